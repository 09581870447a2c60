"""Campaigns as files: what can be said, and what an error says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pusula.campaigns import definitions

WINBACK = """
campaign: winback-2026
title: Sizi özledik
goal: loyalty
audience: [lapsing-loyal-guests]
exclusions: [has-upcoming-booking]
holdout: 10%
cost: {message: 0.02, fixed: 500}
margin: 35%
template:
  subject: "{{ profile.first_name }}, sizi özledik"
  html_file: mail/winback.html
"""
PLAIN = {
    "campaign": "a",
    "title": "T",
    "goal": "upsell",
    "audience": ["x"],
    "template": {"subject": "s", "text": "t"},
}


def test_a_campaign_is_read_with_the_content_of_its_files(tmp_path):
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "winback.html").write_text("<p>Özledik</p>", encoding="utf-8")
    file = tmp_path / "winback.yaml"
    file.write_text(WINBACK, encoding="utf-8")
    found = definitions.read(file)
    assert found.campaign == "winback-2026"
    assert found.audience == ("lapsing-loyal-guests",)
    assert (found.holdout, found.margin, found.window_days) == (0.1, 0.35, 14)
    assert found.cost == definitions.Cost(Decimal("0.02"), Decimal(500))
    assert found.template.html == "<p>Özledik</p>"
    assert found.conversion_event == ""


@pytest.mark.parametrize(
    ("written", "share"), [("10%", 0.1), (0.1, 0.1), ("1/3", 1 / 3), ("%", None), (0, 0.0)]
)
def test_shares_are_written_as_people_write_them(written, share):
    if share is None:
        with pytest.raises(definitions.DefinitionError, match="holdout: '%' is no share"):
            definitions.parse(PLAIN | {"holdout": written}, "f")
    else:
        assert definitions.parse(PLAIN | {"holdout": written}, "f").holdout == share


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"campaign": "Win Back"}, "campaign: 'Win Back' is no key"),
        ({"goal": "profit"}, "goal: Invalid enum value 'profit'"),
        ({"audience": []}, "audience: name at least one segment"),
        ({"audience": "x"}, "audience: Expected `array`, got `str`"),
        ({"exclusions": ["x"]}, "x is in audience and in exclusions"),
        ({"holdout": "95%"}, "holdout: at most 90%"),
        ({"holdout": 30}, "holdout: '30' is no share; it is from 0% to 100%"),
        ({"holdout": True}, "holdout: 'True' is no share"),
        ({"window_days": 0}, "window_days: 1 to 365"),
        ({"cost": {"message": -1}}, "cost: a cost is not below 0"),
        ({"cost": {"per_mail": 1}}, "cost: Object contains unknown field `per_mail`"),
        ({"conversion": "visit"}, "conversion: Invalid enum value 'visit'"),
        ({"template": {"subject": "s"}}, "template: text or html is missing"),
        ({"template": {"subject": "s", "text": "t", "text_file": "f"}}, "text and text_file"),
        ({"title": ""}, "title: 1 to 120 characters"),
        ({"colour": "red"}, "unknown field `colour`"),
    ],
)
def test_an_error_names_the_file_and_the_field(change, said):
    with pytest.raises(definitions.DefinitionError) as caught:
        definitions.parse(PLAIN | change, "winback.yaml")
    assert str(caught.value).startswith("winback.yaml: ")
    assert said in str(caught.value)


def test_a_missing_file_is_named_with_its_field(tmp_path):
    file = tmp_path / "winback.yaml"
    file.write_text(WINBACK, encoding="utf-8")
    with pytest.raises(definitions.DefinitionError, match=r"template\.html_file: .*cannot be read"):
        definitions.read(file)
    with pytest.raises(definitions.DefinitionError, match=r"none\.yaml: cannot be read"):
        definitions.read(tmp_path / "none.yaml")
    file.write_text("a: [", encoding="utf-8")
    with pytest.raises(definitions.DefinitionError, match="not valid YAML"):
        definitions.read(file)


def test_variants_without_shares_share_evenly(tmp_path):
    file = tmp_path / "test.yaml"
    head = "campaign: a\ntitle: T\ngoal: upsell\n"
    file.write_text(head + "variants: [mens, womens]\n", encoding="utf-8")
    assert definitions.read_adoption(file).variant_shares == {"mens": 0.5, "womens": 0.5}
    file.write_text(head + "variants: {mens: 30%, womens: 70%}\n", encoding="utf-8")
    assert definitions.read_adoption(file).variant_shares == {"mens": 0.3, "womens": 0.7}
    file.write_text(head, encoding="utf-8")
    assert definitions.read_adoption(file).variant_shares == {}


def test_a_purpose_is_the_same_in_whatever_letters():
    found = definitions.parse(PLAIN | {"purpose": " Marketing"}, "a.yaml")
    assert found.purpose == "marketing"
