"""The line behind the subject: in the mail, hidden, in no plain text, and nowhere twice."""

from __future__ import annotations

import pytest

from pusula.content import contrast, mjml, template
from pusula.content.check import check
from pusula.content.template import InertLinks

LINKS = InertLinks("https://otel.example/u/preview/")
COLUMN = "<mj-section><mj-column><mj-text>Merhaba</mj-text></mj-column></mj-section>"
LINE = 'Size < özel {{ profile.name | default: "a&b" }}'
BODIES = {
    "piece": "<p>Merhaba</p>",
    "page": '<html><body class="x">\n<p>Merhaba</p></body></html>',
    "mjml": f"<mjml><mj-body>{COLUMN}</mj-body></mjml>",
    "mjml with a head": (
        f"<mjml><mj-head><mj-title>x</mj-title></mj-head><mj-body>{COLUMN}</mj-body></mjml>"
    ),
    "mjml with an empty head": f"<mjml>\n<mj-head/><mj-body>{COLUMN}</mj-body></mjml>",
}


@pytest.mark.parametrize("html", BODIES.values(), ids=BODIES.keys())
def test_it_stands_hidden_before_what_is_shown_and_is_filled(html):
    whole = template.with_preheader(html, LINE)
    made = template.compiled("Konu", "", whole)
    # The author's own words are HTML, a customer's are not.
    for name, said in (("", "a&b"), ("Ayşe <b>", "Ayşe &lt;b&gt;")):
        filled = template.render(made, {"profile": {"name": name}}, LINKS)
        at = filled.html.index(f"Size &lt; özel {said}")
        assert "display:none" in filled.html[:at].rpartition("<div")[2]
        assert at < filled.html.index("Merhaba")
        assert filled.text.strip() == "Merhaba"
    assert contrast.too_weak(mjml.html_of(whole)) == []


@pytest.mark.parametrize("html", BODIES.values(), ids=BODIES.keys())
def test_lines_keep_their_numbers(html):
    assert template.with_preheader(html, "a\nb").count("\n") == html.count("\n")


def test_one_that_the_template_has_itself_is_kept_alone():
    head = "<mj-head><mj-preview>Kendi</mj-preview></mj-head>"
    html = f"<mjml>{head}<mj-body>{COLUMN}</mj-body></mjml>"
    assert template.with_preheader(html, "Bizim") == html


def test_without_html_or_words_there_is_none():
    assert template.with_preheader("", LINE) == ""
    assert template.with_preheader("<p>x</p>", " \n") == "<p>x</p>"


def test_what_is_wrong_with_it_is_said_as_its_own():
    out = '<a href="{{ unsubscribe_url }}">x</a>'
    (found,) = check("Konu", "", out, {"profile.name"}, preheader="{{ profile.nam }}")
    assert (found.part, found.code) == ("preheader", "unknown_variable")


def test_what_is_hidden_is_in_no_plain_text():
    html = (
        '<p>a</p><div style="color:red; display : none">x<p>y</p><img alt="z"></div><p>b</p>'
        '<span style="display:none">q<br>r</span><p>c</p>'
    )
    made = template.render(template.compiled("s", "", html), {}, LINKS)
    assert made.text.split() == ["a", "b", "c"]


def test_mjml_asks_nobody_for_fonts():
    assert "fonts.googleapis" not in mjml.html_of(BODIES["mjml"])
