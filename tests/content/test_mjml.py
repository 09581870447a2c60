"""MJML becomes HTML with its Liquid untouched, and nothing of it is lost without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from pusula.content.language import TemplateError
from pusula.content.mjml import html_of, is_mjml
from pusula.content.template import InertLinks, compiled, render

GOLDEN = Path(__file__).with_name("golden")


def test_mjml_becomes_the_html_that_is_kept():
    made = html_of((GOLDEN / "mail.mjml").read_text("utf-8"))
    assert made == (GOLDEN / "mail.html").read_text("utf-8").removesuffix("\n")


def test_a_mail_written_in_mjml_is_filled_like_any_other():
    template = compiled("Konu", "", (GOLDEN / "mail.mjml").read_text("utf-8"))
    rooms = [
        {"name": "Deniz & Kum", "url": "https://o.example/1"},
        {"name": "Bahçe", "url": "https://o.example/2"},
    ]
    mail = render(
        template, {"profile": {"first_name": "Ayşe"}, "rooms": rooms}, InertLinks("https://u")
    )
    assert template.html is not None
    assert template.html.is_compiled
    assert mail.html.count("Deniz &amp; Kum") == 1
    assert "Merhaba Ayşe" in mail.html
    assert "Bahçe" in mail.text
    assert "{{" not in mail.html + mail.text


def test_what_is_no_mjml_stays_as_it_is():
    assert html_of("<p>x</p>") == "<p>x</p>"
    assert is_mjml("<!-- a --> \n<mjml>")
    assert not is_mjml("<p><mjml></p>")


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("<mjml><mj-body>\n<mj-fancy/></mj-body></mjml>", 2, "<mj-fancy> is not known"),
        ("<mjml><mj-body>\n<mj-include path='/etc/passwd'/></mj-body></mjml>", 2, "not known"),
        ("<mjml><mj-body>", 0, "unexpected end"),
        ("<mjml>" + "<mj-wrapper>" * 9_000, 0, "nested too deeply"),
    ],
)
def test_what_mjml_cannot_say_is_refused_with_its_line(source, line, said):
    with pytest.raises(TemplateError, match=said) as caught:
        html_of(source)
    assert caught.value.line == line
