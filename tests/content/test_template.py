"""A template becomes one person's message: their values, our links, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from threading import Thread

import pytest
from markupsafe import escape

from pusula.content.language import RenderError, TemplateError
from pusula.content.template import InertLinks, compiled, render

UNSUBSCRIBE = "https://p.example/u/tok.mac/"


@dataclass(frozen=True)
class TrackedLinks:
    unsubscribe_url: str = UNSUBSCRIBE
    preferences_url: str = "https://p.example/p/tok.mac/"
    pixel_url: str = "https://p.example/o/tok.mac.gif"

    def click(self, url: str) -> str:
        return f"https://p.example/c/[{url}]"

    def clicks(self, urls: tuple[str, ...]) -> tuple[bytes, list[bytes]]:
        return b"https://p.example/c/[", [f"{escape(url)}]".encode() for url in urls]


def html_of(source: str, **variables: object) -> str:
    return render(compiled("Konu", "-", source), variables, InertLinks(UNSUBSCRIBE)).html


def text_of(source: str, **variables: object) -> str:
    return render(compiled("Konu", source, ""), variables, InertLinks(UNSUBSCRIBE)).text


def test_values_are_escaped_in_html_and_plain_in_subject_and_text():
    template = compiled("{{ profile.name }}", "{{ profile.name }}", "<p>{{ profile.name }}</p>")
    rendered = render(template, {"profile": {"name": "<b>Ali & Veli"}}, TrackedLinks())
    assert rendered.subject == "<b>Ali & Veli"
    assert rendered.text == "<b>Ali & Veli"
    assert "<p>&lt;b&gt;Ali &amp; Veli</p>" in rendered.html


def test_liquid_inside_a_value_is_only_text():
    poisoned = "{{ 7 | times: 7 }}{% include 'x' %}"
    assert text_of("{{ profile.name }}", profile={"name": poisoned}) == poisoned


@pytest.mark.parametrize("profile", [{}, {"city": None}, {"city": ""}])
def test_a_missing_value_takes_its_default_even_an_empty_one(profile):
    source = '[{{ profile.city | default: "" }}][{{ profile.city | default: "misafir" }}]'
    assert text_of(source, profile=profile) == "[][misafir]"


@pytest.mark.parametrize("profile", [{}, {"city": None}, {"city": ""}])
@pytest.mark.parametrize("shown", ["{{ profile.city }}", "{{ profile.city | tr_upper }}"])
def test_a_missing_value_without_a_default_is_no_message_and_is_named(profile, shown):
    with pytest.raises(RenderError, match=r"line 2: profile\.city is empty") as caught:
        text_of(f"x\n{shown}", profile=profile)
    assert caught.value.field == "profile.city"


def test_what_a_template_does_not_show_may_be_missing():
    source = (
        "{% if profile.city %}{{ profile.city }}{% endif %}{% assign x = profile.city %}[{{ x }}]"
        "{% for one in lists.rooms %}{{ one }}{% endfor %}{{ forloop }}{{ 0 | money }}{{ n }}"
    )
    assert text_of(source, profile={}, n=0) == "[]₺00"


def test_what_is_missing_in_an_item_of_a_list_is_named_too():
    with pytest.raises(RenderError, match=r"room\.name is empty"):
        text_of("{% for room in rooms %}{{ room.name }}{% endfor %}", rooms=[{"name": ""}])


@pytest.mark.parametrize(
    "name",
    ["Ali\r\nBcc: x@example.com", "Ali\nBcc: x", "Ali\x0bx", "Ali\u2028x", "Ali\x00x", "Ali\x85x"],
)
def test_a_line_break_in_a_value_cannot_end_the_subject(name):
    template = compiled("Merhaba {{ profile.name }}", "-", "")
    subject = render(template, {"profile": {"name": name}}, TrackedLinks()).subject
    assert subject.isprintable()
    assert subject.startswith("Merhaba Ali ")


def test_a_subject_that_is_empty_for_a_person_is_no_message():
    with pytest.raises(RenderError, match="subject is empty"):
        render(
            compiled("{{ profile.name | default: '' }}", "-", ""), {"profile": {}}, TrackedLinks()
        )


def test_every_web_link_is_tracked_wherever_its_target_comes_from():
    html = render(
        compiled(
            "Konu",
            "-",
            '<a class="x" href="https://otel.example/?a=1&amp;b={{ traits.city }}">1</a>'
            "<a href='{{ traits.url }}'>2</a>"
            '<a href="{% if traits.vip %}https://vip{% else %}https://all{% endif %}">3</a>'
            "<a href=https://bare.example/>4</a>"
            '<a href="https://q.example/{{ traits.none | default: "İzmir" }}">5</a>',
        ),
        {"traits": {"city": "Muğla", "url": "https://x.example/?q='\""}},
        TrackedLinks(),
    ).html
    assert 'href="https://p.example/c/[https://otel.example/?a=1&amp;b=Muğla]"' in html
    assert "href='https://p.example/c/[https://x.example/?q=&#39;&#34;]'" in html
    assert 'href="https://p.example/c/[https://all]"' in html
    assert 'href="https://p.example/c/[https://bare.example/]"' in html
    assert 'href="https://p.example/c/[https://q.example/İzmir]"' in html


def test_the_unsubscribe_link_is_never_led_through_the_click_address():
    html = render(
        compiled("Konu", "-", '<a href="{{ unsubscribe_url }}">Çık</a><a data-href="x">y</a>'),
        {},
        TrackedLinks(),
    ).html
    assert f'<a href="{UNSUBSCRIBE}">' in html
    assert html.count("/c/") == html.count("trap.invalid") == 1, "the link that nobody sees"


def test_the_pixel_stands_before_the_end_of_the_body_and_not_in_previews():
    template = compiled("Konu", "-", "<body><p>x</p></BODY></html>")
    tracked = render(template, {}, TrackedLinks()).html
    assert tracked.endswith("/></BODY></html>")
    assert "https://p.example/o/tok.mac.gif" in tracked
    assert "<img" not in render(template, {}, InertLinks(UNSUBSCRIBE)).html


def test_the_text_part_is_made_from_the_html_if_there_is_none():
    text = render(
        compiled(
            "Konu",
            "",
            "<html><head><title>T</title><style>p{}</style></head><body><h1>Merhaba "
            '{{ profile.name }}</h1><p>İki   kelime &amp; <a href="https://o.example">Odalar</a></p>'
            '<ul><li>bir<li>iki</ul><img alt="Deniz" src="x">'
            '<a href="{{ unsubscribe_url }}">Çıkın</a></body></html>',
        ),
        {"profile": {"name": "Ayşe"}},
        TrackedLinks(),
    ).text
    assert text == (
        "Merhaba Ayşe\n\nİki kelime & Odalar (https://o.example)\n\n- bir\n- iki\n"
        f"Deniz Çıkın ({UNSUBSCRIBE})\n"
    )


def test_nobody_gets_another_persons_values():
    template = compiled(
        "{{ profile.canary }}",
        "",
        "<p>{{ profile.canary }}</p>{% assign x = profile.canary %}{% capture y %}{{ x }}"
        '{% endcapture %}<a href="https://o.example/{{ x }}">{{ y }}</a>'
        "{% for i in (1..3) %}{% cycle 'a', 'b' %}{{ profile.canary }}{% endfor %}",
    )
    foreign: list[str] = []

    def fill(person: int) -> None:
        for turn in range(30):
            own = f"canary-{person}-{turn}-end"
            rendered = render(template, {"profile": {"canary": own}}, TrackedLinks())
            whole = f"{rendered.subject} {rendered.text} {rendered.html}"
            if whole.replace(own, "").count("canary-"):
                foreign.append(whole)

    threads = [Thread(target=fill, args=(person,)) for person in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not foreign


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ 1284500.5 | money }}", "₺1.284.500,50"),
        ("{{ 950 | money }}", "₺950"),
        ("{{ -12.3 | money: 'EUR' }}", "-€12,30"),
        ("{{ 12.3 | money: 'KWD' }}", "12,300 KWD"),
        ("{{ nothing | default: nil | money }}|{{ 0 | money }}", "|₺0"),
        ("{{ day | date_tr }}", "9 Kasım 2026"),
        ("{{ '2026-11-09' | date_tr: 'weekday' }}", "9 Kasım 2026 Pazartesi"),
        ("{{ day | date: '%d.%m.%Y' }} {{ day | date: '%-d/%-m' }}", "09.11.2026 9/11"),
        ("{{ no | default: nil | date_tr }}|{{ no | default: nil | date: '%Y' }}", "|"),
        ("{{ 'izmir ışık' | tr_upper }}", "İZMİR IŞIK"),
        ("{{ 'IŞIK İZMİR' | tr_lower }}", "ışık izmir"),
        ("{{ 'AYŞE-NUR IŞIK' | tr_title }}", "Ayşe-Nur Işık"),
        ("{{ company.name }} {{ 5 | money }}", "Deniz €5"),
    ],
)
def test_turkish_filters(source, expected):
    company = {"company": {"name": "Deniz", "currency": "EUR"}} if "company" in source else {}
    assert text_of(source, day=date(2026, 11, 9), **company) == expected


def test_a_filter_that_cannot_use_a_value_names_its_line():
    with pytest.raises(RenderError, match=r"line 3: .*not a date"):
        text_of("\n\n{{ traits.day | date_tr }}", traits={"day": "yarın"})


BOMBS = {
    "range joined": "{{ (1..30000000) | join: '' | size }}",
    "range walked": "{% for i in (1..100000000) %}{% endfor %}",
    "range limited": "{% for i in (1..100000000) limit: 2 %}{% endfor %}",
    "range searched": "{% assign r = (1..9999999999) %}{% if r contains 'x' %}{% endif %}",
    "range in a table": "{% tablerow i in (1..100000000) cols: 1 %}{% endtablerow %}",
    "range in a case": "{% case 1 %}{% when (1..99999999) %}{% endcase %}",
    "loops in loops": "{% for a in (1..999) %}{% for b in (1..999) %}{% endfor %}{% endfor %}",
    "loop after loop": "{% for a in (1..9999) %}{% if true %}{% endif %}{% endfor %}" * 4_000,
    "doubling": "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | append: a %}" * 30,
    "capturing": "{% capture a %}xx{% endcapture %}"
    + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 30,
    "lists": "{% assign a = 'a,b' | split: ',' %}" + "{% assign a = a | concat: a %}" * 30,
    "replacing": "{% assign a = big | replace: 'a', big %}{{ a | size }}",
    "joining": "{% assign a = big | split: '' | join: big %}{{ a | size }}",
    "counting": "{% assign n = 9999999999 %}" + "{% assign n = n | times: n %}" * 18 + "{{ n }}",
    "padding": "{{ '2026-11-09' | date: '%9999999d' }}",
    "brackets": "{{ c" + "[c" * 5_000 + "]" * 5_000 + " }}",
    "conditions": "{% if " + "true and " * 20_000 + "true %}x{% endif %}",
    "nesting": "{% if true %}" * 3_000 + "x" + "{% endif %}" * 3_000,
    "assignments": "".join(f"{{% assign v{i} = 1 %}}" for i in range(9_000)),
    "length": "x" * 300_000,
    "unended": "{% case x %}",
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_no_template_can_take_more_than_its_share(source):
    with pytest.raises((TemplateError, RenderError)):
        html_of(source, big="a" * 20_000)


@pytest.mark.parametrize(
    "source",
    ["{% include '/etc/passwd' %}", "{% render 'x' %}", "{% increment n %}", "{{ x | safe }}"],
)
def test_what_reaches_outside_or_around_escaping_does_not_exist(source):
    with pytest.raises((TemplateError, RenderError)):
        html_of(source, x="<b>")


@pytest.mark.parametrize(
    "source",
    [
        "{{ o.__class__ | default: '' }}",
        "{{ o['__class__'] | default: '' }}",
        "{{ o.secret | default: '' }}",
        "{{ t | map: '__class__' }}",
        "{% if o.__class__ or o['secret'] %}y{% endif %}",
    ],
)
def test_python_is_out_of_reach(source):
    class Thing:
        secret = "S3CRET"

    out = text_of(f"x{source}", o=Thing(), t=[{"a": 1}])
    assert out == "x"


def test_our_own_link_tag_is_not_for_authors():
    with pytest.raises(TemplateError):
        compiled("Konu", "-", "{% pusula_link %}x{% endpusula_link %}")


def test_there_is_no_second_clock():
    assert text_of("[{{ now | default: '' }}{{ today | default: '' }}]") == "[]"
    assert text_of("{{ today | date_tr }}", today=date(2026, 1, 2)) == "2 Ocak 2026"
