"""Templates: versions, languages, what is frozen, the equality check, recommendations."""

from __future__ import annotations

import ast
import inspect

import pytest
from django.utils import translation

from pusula.campaigns import actions, templates, words
from pusula.campaigns.models import FrozenTemplate, Template, TemplateVersion
from pusula.campaigns.templates import ChangedMeanwhileError, Says, TemplateRefusedError
from pusula.content import check, language
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order, OrderItem, Property
from pusula.outbox import recommended
from pusula.outbox.letters import Desk, Letter
from pusula.outbox.models import Content, Message
from pusula.profiles.models import Trait, TraitKind

pytestmark = pytest.mark.django_db

AT = 1_790_000_000_000_000
OUT = "{{ unsubscribe_url }}"
TR, EN = Says(subject="Merhaba", text=f"Merhaba {OUT}"), Says(subject="Hello", text=f"Hello {OUT}")


def save(name: str = "bahar", template: Template | None = None, **says: Says) -> Template:
    said = {"" if tag == "all" else tag: one for tag, one in says.items()}
    return templates.save(template, name=name, says=said, by="deniz", at=AT)


def reads(profile, tag: str) -> None:
    Trait.objects.create(
        profile=profile, name="language", kind=TraitKind.TEXT, text=tag, text_fold=tag.lower(),
        source="pms", updated_at=0,
    )  # fmt: skip


def test_everybody_gets_the_language_they_read_else_the_one_for_everybody(hotel):
    ayse, john, ivan = hotel.guest("Ayse"), hotel.guest("John"), hotel.guest("Ivan")
    reads(john, "EN-gb")
    reads(ivan, "ru")
    hotel.segment("lapsing", ayse, john, ivan)
    save(all=TR, en=EN)
    actions.start(hotel.campaign(template="bahar"), AT)
    said = {m.profile.first_name: m.content.subject for m in Message.objects.all()}
    assert said == {"Ayse": "Merhaba", "John": "Hello", "Ivan": "Merhaba"}


def test_every_message_leads_to_the_version_it_says(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    made = save(all=TR)
    save(template=made, all=EN)
    actions.start(hotel.campaign(template="bahar"), AT)
    save(template=made, all=TR)
    frozen = FrozenTemplate.objects.get(content=Message.objects.get().content_id)
    assert (frozen.version.template, frozen.version.number) == (made, 2)
    assert frozen.content.subject == "Hello"


def test_a_template_written_by_other_hands_is_pinned_when_it_is_used(db):
    raw = Template.objects.create(name="eski", subject="Merhaba", text=OUT, updated_at=0)
    templates.freeze(raw)
    templates.freeze(raw)
    assert TemplateVersion.objects.get().says[""]["subject"] == "Merhaba"
    assert Content.objects.count() == 2


def test_a_version_is_made_for_a_change_alone_and_never_lost(db):
    made = save(all=TR)
    assert save(template=made, all=TR).number == 1
    assert save(template=made, all=EN).number == 2
    with translation.override("en"), pytest.raises(ChangedMeanwhileError):
        templates.save(made, name="bahar", says={"": TR}, by="ali", at=AT, expected=1)
    assert templates.restore(made, 1, by="ali", at=AT).subject == "Merhaba"
    assert [v.number for v in made.versions.order_by("number")] == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "channel", "says"),
    [
        ("", "email", {"": TR}),
        ("campaign:yaz", "email", {"": TR}),
        ("x" * 121, "email", {"": TR}),
        ("a\0b", "email", {"": TR}),
        ("x", "call", {"": TR}),
        ("x", "email", {"en": TR}),
        ("x", "email", {"": TR, "en": Says(subject="{% if %}", text=OUT)}),
        ("x", "sms", {"": Says(text="{{ profile.first_name | nothing }}")}),
        ("x", "whatsapp", {"": Says(details={"template": "t", "body": ["{{ a", "{% x %}"]})}),
    ],
)
def test_what_nobody_could_ever_get_is_not_kept(db, name, channel, says):
    with translation.override("en"), pytest.raises(TemplateRefusedError):
        templates.save(None, name=name, channel=channel, says=says, by="deniz", at=AT)
    assert not Template.objects.exists()


def test_a_campaign_takes_templates_of_its_own_channel_that_are_in_use(hotel):
    hotel.segment("lapsing")
    templates.save(
        None, name="kisa", channel="sms", says={"": Says(text="Merhaba")}, by="deniz", at=AT
    )
    old = save(name="eski", all=TR)
    templates.archive(old, at=AT)
    for name in ("kisa", "eski"):
        with translation.override("en"), pytest.raises(actions.DefinitionError, match=name):
            hotel.campaign(template=name)


def test_where_the_function_says_something_else_the_interpreter_has_the_word(hotel, monkeypatch):
    """A function that is wrong is found when the template is saved, before anybody gets a mail."""
    ayse = hotel.guest("Ayse")
    right = language.compiling.function

    def wrong(template, link):
        made = right(template, link)
        return (lambda given: made(given).replace(b"Ayse", b"Mehmet")) if made else None

    monkeypatch.setattr(language.compiling, "function", wrong)
    says = Says(subject="Merhaba {{ profile.first_name }}", text=OUT)
    made = save(all=says)
    assert made.versions.get().is_interpreted
    content = templates.freeze(made)[""]
    letter = Letter(1, "token", "campaign:1", ayse.pk, content, "a@example.com", 0)
    given = {"profile": {"first_name": "Ayse"}}
    assert b"Subject: Merhaba Ayse" in Desk().mail(letter, given)


def test_where_both_say_the_same_the_function_is_used(hotel):
    hotel.guest("Ayse")
    assert not save(all=TR).versions.get().is_interpreted


# Recommendations


def bought(profile, *, n: int = 1, hotel: str = "", items: tuple[tuple[str, str], ...] = ()):
    for number in range(n):
        order = Order.objects.create(
            profile=profile, source="pms", source_id=f"{profile.pk}:{hotel}:{items}:{number}",
            status="confirmed", ordered_at=AT - clock.DAY, status_at=AT, currency="TRY",
            property=hotel, gross_minor=1, net_minor=1, gross_base_minor=1, net_base_minor=1,
            recorded_at=AT,
        )  # fmt: skip
        for line, (sku, name) in enumerate(items):
            OrderItem.objects.create(
                order=order, line_no=line, sku=sku, name=name, quantity=1, amount_minor=1
            )


def viewed(profile, *, at: int, **properties: object) -> None:
    Event.objects.create(
        profile=profile, name="Stay Viewed", at=at, recorded_at=at, dedupe_key=str(at),
        source="web", properties=properties,
    )  # fmt: skip


def test_what_most_people_book_comes_first_and_each_customer_counts_once(hotel):
    ayse, ali = hotel.guest("Ayse"), hotel.guest("Ali")
    Property.objects.create(code="bodrum", title="Bodrum Otel", time_zone="Europe/Istanbul")
    bought(ayse, hotel="kas", n=5)
    bought(ayse, hotel="bodrum")
    bought(ali, hotel="bodrum")
    found = recommended.Recommender().of(ayse.pk, at=AT)
    assert [one["name"] for one in found["popular"]] == ["Bodrum Otel", "kas"]


def test_what_somebody_looked_at_is_theirs_the_last_first(hotel):
    ayse, ali = hotel.guest("Ayse"), hotel.guest("Ali")
    bought(ali, items=(("7", "Oda"), ("8", "Suit")))
    viewed(ayse, at=AT - 3, product_id="7")
    viewed(ayse, at=AT - 2, product_id="8")
    viewed(ayse, at=AT - 1, product_id=7)
    recommender = recommended.Recommender()
    assert [one["name"] for one in recommender.of(ayse.pk, at=AT)["viewed"]] == ["Oda", "Suit"]
    assert recommender.of(ali.pk, at=AT)["viewed"] == []


def test_what_a_browser_calls_an_item_never_reaches_a_mail(hotel):
    ayse = hotel.guest("Ayse")
    bought(ayse, items=(("7", "Oda"),))
    viewed(ayse, at=AT - 2, product_id="7", name="Kazandınız: evil.example", url="https://evil")
    viewed(ayse, at=AT - 1, product_id="evil", name="Kazandınız")
    found = recommended.Recommender().of(ayse.pk, at=AT)["viewed"]
    assert found == [{"id": "7", "name": "Oda"}]


def test_a_mail_recommends_to_each_their_own_and_an_empty_block_says_its_else(hotel):
    ayse, ali = hotel.guest("Ayse"), hotel.guest("Ali")
    at = clock.now()
    bought(ali, items=(("7", "Oda"),))
    Order.objects.update(ordered_at=at - clock.DAY)
    viewed(ayse, at=at - clock.DAY, product_id="7")
    block = "{% for one in recommended.viewed %}{{ one.name }}{% else %}Yok{% endfor %}"
    content = templates.freeze(save(all=Says(subject="x", text=f"{block} {OUT}")))[""]
    desk = Desk()
    for guest, said in ((ayse, b"Oda"), (ali, b"Yok")):
        letter = Letter(1, f"t{guest.pk}", "campaign:1", guest.pk, content, "a@example.com", 0)
        assert said in desk.mail(letter, {"profile": {"first_name": "x"}})


def test_an_empty_block_is_named_before_anybody_gets_it(db):
    block = "{% for one in recommended.viewed %}{{ one.name }}{% endfor %}"
    (found,) = templates.check("email", Says(subject="x", text=f"{block} {OUT}"))
    assert (found.code, found.is_error) == ("empty_block", False)
    assert str(found) == (
        "text, line 1: Who has no recommended.viewed gets an empty block: say with {% else %} what"
        " comes then."
    )


def test_whatever_is_said_about_a_template_has_its_place_among_the_translations():
    found = set()
    for node in ast.walk(ast.parse(inspect.getsource(check))):
        is_problem = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem"
        if is_problem and isinstance(node.args[3], ast.Constant):
            found.add(node.args[3].value)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant):
            found |= {node.value.value} if "There is no" in str(node.value.value) else set()
    found |= {check._UNREADABLE, check._UNREADABLE_MJML, check._TOO_COSTLY, check._UNSEEN_WAY_OUT}
    assert found == set(words.PROBLEMS)
