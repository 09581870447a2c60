"""A definition in the fields of a form, and fields as a page sends them."""

from __future__ import annotations

from inline_snapshot import snapshot

from pusula.segments.language import read_yaml
from pusula.segments.language.forms import as_text, from_form, node_paths, to_form

NESTED = read_yaml(
    """
segment: spa-lovers
title: {tr: Spa sevenler, en: Spa lovers}
where:
  all:
    - orders: {count: {at_least: 2}, where: {region: {in: [Bodrum, Çeşme]}}, within: {from: today}}
    - not:
        any:
          - trait: {"a.b": known}
          - trait: {vip: {is: true}}
    - segment: repeat-guests
"""
)


def test_a_definition_becomes_flat_fields():
    assert to_form(NESTED) == snapshot(
        {
            "key": "spa-lovers",
            "title.tr": "Spa sevenler",
            "title.en": "Spa lovers",
            "n": "1 2 3 4 5 6 7",
            "k.1": "all",
            "k.2": "orders",
            "p.2": "1",
            "f.2.count.at_least": "2",
            "t.2.count.at_least": "number",
            "f.2.where.region.in": """\
Bodrum
Çeşme\
""",
            "t.2.where.region.in": "lines",
            "f.2.within.from": "today",
            "k.3": "not",
            "p.3": "1",
            "k.4": "any",
            "p.4": "3",
            "k.5": "trait",
            "p.5": "4",
            "f.5.a%2Eb": "known",
            "k.6": "trait",
            "p.6": "4",
            "f.6.vip.is": "true",
            "t.6.vip.is": "yes_no",
            "k.7": "segment",
            "p.7": "1",
            "f.7": "repeat-guests",
        }
    )


def test_each_node_knows_its_place_in_the_document():
    assert node_paths(to_form(NESTED)) == snapshot(
        {
            "1": "where",
            "2": "where.all[0]",
            "3": "where.all[1]",
            "4": "where.all[1].not",
            "5": "where.all[1].not.any[0]",
            "6": "where.all[1].not.any[1]",
            "7": "where.all[2]",
        }
    )


def test_fields_stay_whatever_a_page_adds_to_them():
    sent = to_form(NESTED) | {"csrfmiddlewaretoken": "x", "f.2.within.last": " ", "f.99.a": "x"}
    assert from_form(sent) == NESTED


def test_a_leaf_can_be_edited_as_text_with_the_line_ends_of_a_browser():
    sent = as_text(to_form(NESTED), "2")
    assert sent["y.2"] == snapshot("""\
count:
  at_least: 2
where:
  region:
    in:
    - Bodrum
    - Çeşme
within:
  from: today\
""")
    sent["y.2"] = sent["y.2"].replace("\n", "\r\n")
    assert from_form(sent) == NESTED


def test_a_menu_beside_its_value_says_which_word_the_value_stands_under():
    sent = {
        "n": "a",
        "k.a": "orders",
        "o.a.?1": "sum",
        "f.a.?1": "net_amount",
        "o.a.is.?": "at_least",
        "f.a.is.?": "100 TRY",
        "o.a.where.?2": "region",
        "o.a.where.?2.?": "in",
        "f.a.where.?2.?": "Bodrum\r\n\r\nÇeşme\r\n",
        "t.a.where.?2.?": "lines",
    }
    assert from_form(sent) == snapshot(
        {
            "where": {
                "orders": {
                    "sum": "net_amount",
                    "is": {"at_least": "100 TRY"},
                    "where": {"region": {"in": ["Bodrum", "Çeşme"]}},
                }
            }
        }
    )


def test_known_in_a_menu_is_the_whole_test():
    sent = {"n": "a", "k.a": "trait", "o.a.?": "city", "o.a.?.?": "known", "f.a.?.?": "left over"}
    assert from_form(sent) == {"where": {"trait": {"city": "known"}}}


def test_a_number_needs_no_type_where_only_sizes_stand():
    sent = {"n": "a", "k.a": "orders", "f.a.count.at_least": "2", "f.a.within.last": "30 days"}
    assert from_form(sent) == {
        "where": {"orders": {"count": {"at_least": 2}, "within": {"last": "30 days"}}}
    }


def test_a_draft_without_words_or_condition_is_fine():
    assert from_form({"title.tr": "Spa sevenler"}) == {"title": {"tr": "Spa sevenler"}}
    assert from_form({"n": "1", "k.1": "all"}) == {"where": {"all": []}}
