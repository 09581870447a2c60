"""Templates are read before anybody gets them: each problem with its part and line."""

from __future__ import annotations

import pytest

from pusula.content.check import check

KNOWN = {"profile.first_name", "profile.last_name", "company.name", "traits.city", "lists.*"}
GOOD = (
    '<p>{{ profile.first_name | default: "misafirimiz" }}</p>\n'
    '<a href="{{ unsubscribe_url }}">Çık</a>'
)


def codes(subject: str = "Konu", text: str = "", html: str = GOOD, **options: bool) -> list[str]:
    return [f"{p.part}:{p.line}:{p.code}" for p in check(subject, text, html, KNOWN, **options)]


def test_a_good_template_has_no_problems():
    assert codes() == []


def test_a_mistyped_variable_is_named_with_its_line_and_what_may_be_meant():
    [problem] = check("Konu", "", GOOD + "\n{{ profile.frist_name }}", KNOWN)
    assert str(problem) == (
        "html, line 3: There is no variable profile.frist_name; is profile.first_name meant?"
    )
    assert problem.is_error


def test_variables_of_the_template_itself_and_open_lists_are_known():
    html = GOOD + (
        "{% assign a = traits.city %}{{ a }}{% for i in lists.rooms %}{{ i.name }}"
        "{{ forloop.index }}{% endfor %}{{ lists.rooms.size }}{% if profile.last_name.size > 3 %}"
        "{% endif %}"
    )
    assert codes(html=html) == []


def test_a_mistyped_filter_is_named():
    assert codes(html=GOOD + "{{ 5 | mony }}") == ["html:2:unknown_filter"]


def test_broken_liquid_is_found_where_it_stands():
    assert codes(html=GOOD + "\n\n{% if profile.first_name %}")[0].startswith("html:")
    assert codes(subject="{{ profile.first_name", text="x {{ unsubscribe_url }}")[0] == (
        "subject:1:syntax"
    )


def test_marketing_needs_a_way_out_in_every_part_that_is_written():
    assert codes(html="<p>x</p>") == ["html:0:no_unsubscribe"]
    assert codes(text="x", html=GOOD) == ["text:0:no_unsubscribe"]
    assert codes(html="<p>x</p>", needs_unsubscribe=False) == []


@pytest.mark.parametrize(
    "html",
    [
        "<p>Al</p><!-- unsubscribe_url -->",
        "<p>Al</p><!-- <a href='{{ unsubscribe_url }}'>Çık</a> -->",
        "{% comment %}<a href='{{ unsubscribe_url }}'>Çık</a>{% endcomment %}x",
        "{% raw %}<a href='{{ unsubscribe_url }}'>Çık</a>{% endraw %}",
        "{% if profile.first_name %}<a href='{{ unsubscribe_url }}'>Çık</a>{% endif %}x",
        "{% assign way = unsubscribe_url %}x",
        "<p>{{ unsubscribe_url }}</p>",
        "<a href='https://example.com' title='{{ unsubscribe_url }}'>Çık</a>",
        "<script>'<a href=\"{{ unsubscribe_url }}\">'</script>x",
    ],
)
def test_a_way_out_that_nobody_can_press_is_none(html):
    assert codes(html=html) == ["html:0:no_unsubscribe"]


def test_a_way_out_in_a_comment_of_the_text_is_none():
    text = "x {% comment %}{{ unsubscribe_url }}{% endcomment %}"
    assert codes(text=text) == ["text:0:no_unsubscribe"]
    assert codes(text="x\n{{ unsubscribe_url }}") == []


def test_what_cannot_be_filled_with_nothing_hides_whether_there_is_a_way_out():
    [problem] = check("Konu", "", GOOD + "{{ 1 | divided_by: profile.first_name }}", KNOWN)
    assert problem.code == "no_unsubscribe"
    assert str(problem).startswith("html: It cannot be filled for somebody")


def test_what_may_be_meant_is_looked_for_a_few_times_only():
    html = GOOD + "".join(f"{{{{ profile.first_nam{n} }}}}" for n in range(100))
    found = check("Konu", "", html, KNOWN)
    assert len(found) == 100
    assert sum("close" in problem.values for problem in found) == 20


def test_an_image_without_alt_and_a_mail_that_gmail_clips_are_warnings():
    html = GOOD + '\n<img src="a.png">\n<img alt="" src="b.png">' + " " * 110_000
    found = check("Konu", "", html, KNOWN)
    assert [(p.code, p.line, p.is_error) for p in found] == [
        ("image_without_alt", 3, False),
        ("clipped", 0, False),
    ]


def test_an_empty_subject_and_an_empty_message_are_errors():
    assert codes(subject=" ") == ["subject:0:no_subject"]
    assert codes(html="", needs_unsubscribe=False) == ["html:0:no_content"]


def test_what_would_cost_too_much_for_everybody_is_found_for_nobody():
    assert codes(html=GOOD + "{% for i in (1..99999999) %}{% endfor %}") == ["html:0:too_costly"]


def test_a_field_that_stops_a_message_where_it_is_missing_is_a_warning():
    html = GOOD + "\n{{ traits.city }}{% if traits.city %}{{ traits.city }}{% endif %}"
    [problem] = check("Konu", "", html, KNOWN)
    assert (problem.code, problem.line, problem.is_error) == ("no_fallback", 3, False)
    assert "Who has no traits.city gets nothing" in str(problem)
    assert codes(html=GOOD + "{{ company.name }}{{ traits.city | default: '' }}") == []


def test_a_link_that_leads_nowhere_is_an_error():
    html = (
        GOOD
        + '<a href="otel.example/oda">x</a><a href="">y</a><a href="{{ unsubscribe_url }}">z</a>'
    )
    assert codes(html=html) == ["html:0:dead_link", "html:0:dead_link"]


@pytest.mark.parametrize(
    ("ink", "ground", "is_weak"),
    [("#777", "#ffffff", True), ("#767676", "#fff", False), ("#fff", "#0b6b74", False)],
)
def test_words_that_are_hard_to_read_are_a_warning(ink, ground, is_weak):
    html = f'{GOOD}<div style="background:{ground}"><p style="color: {ink}">x</p></div>'
    assert codes(html=html) == (["html:2:contrast"] if is_weak else [])


MJML = """<mjml><mj-body>
<mj-section><mj-column><mj-text>{{ profile.first_name | default: "misafir" }}</mj-text>
<mj-text><a href="{{ unsubscribe_url }}">Çık</a></mj-text></mj-column></mj-section>
</mj-body></mjml>"""


def test_mjml_is_read_with_its_own_lines():
    assert codes(html=MJML) == []
    assert codes(html=MJML.replace("<mj-text>{{", "<mj-foo/>{{"))[0] == "html:2:syntax"
    assert codes(html=MJML.replace("</mj-section>", ""))[0] == "html:0:syntax"
    assert codes(html=MJML.replace("{{ profile.first", "{{ profil.first")) == [
        "html:2:unknown_variable"
    ]
    assert codes(html=MJML.replace("{{ unsubscribe_url }}", "https://x.example")) == [
        "html:0:no_unsubscribe"
    ]
