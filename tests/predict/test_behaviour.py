"""Behaviour through the command: orders, messages and clicks of a company, as they lie in it."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from django.utils import translation
from tests.predict import past
from tests.predict.conftest import NOW

from pusula.events.models import Event
from pusula.lib import clock
from pusula.ops.predict import predict
from pusula.orders.models import Order, OrderChange
from pusula.outbox.models import Content, Message, Receipt
from pusula.outbox.reactions import reactions
from pusula.pipeline import predicting
from pusula.pipeline import reactions as reading
from pusula.predict import behaviour_words, living, outlook, queries, words
from pusula.predict.history import Past
from pusula.predict.models import LifeDue
from pusula.predict.rhythm import coming_back
from pusula.predict.training import EPOCH
from pusula.profiles.models import Profile, Score, Trait

pytestmark = pytest.mark.django_db
ZONE = "Europe/Istanbul"
TODAY = clock.day_of(NOW, ZONE)
FIRST_DAY = 20_000  # of ``past.made_up``


def people(n: int) -> list[Profile]:
    return Profile.objects.bulk_create(Profile(created_at=0, recorded_at=0) for _ in range(n))


def order(
    profile: Profile, number: object, at: int, net: int = 100_00
) -> tuple[Order, OrderChange]:
    base = {"status": "completed", "net_base_minor": net, "gross_base_minor": net}
    made = Order(
        profile=profile, source="shop", source_id=str(number), ordered_at=at, status_at=at,
        currency="TRY", net_minor=net, gross_minor=net, recorded_at=at, **base,
    )  # fmt: skip
    change = OrderChange(
        order=made, profile=profile, ordered_at=at, changed_at=at, recorded_at=at, **base
    )
    return made, change


def write(pairs: list[tuple[Order, OrderChange]]) -> None:
    Order.objects.bulk_create(one for one, _ in pairs)
    OrderChange.objects.bulk_create(change for _, change in pairs)


@pytest.fixture
def shop():
    """Nine hundred people with a rhythm of their own, until yesterday at two in the afternoon."""
    of = past.made_up(900, days=600)
    made = people(900)
    shift = (TODAY - EPOCH).days - 1 - int(of.days.max())
    rows = zip(of.profile_ids.tolist(), of.days.tolist(), of.net_minor.tolist(), strict=True)
    write(
        [
            order(made[who - 1], n, _at(EPOCH + timedelta(days=day + shift), 14), net)
            for n, (who, day, net) in enumerate(rows)
        ]
    )
    return made


def _at(day: date, hour: int, zone: str = ZONE) -> int:
    return clock.start_of(day, zone) + hour * clock.HOUR


def command(*given: str) -> str:
    with translation.override("en"):
        told = CliRunner(env={"COLUMNS": "140"}).invoke(predict, [*given])
    assert told.exit_code == 0, told.output
    return told.output


def test_the_command_trains_publishes_and_tells_churn(shop):
    (made,) = json.loads(command("run", "--model", "churn", "--json"))
    buyers = Order.objects.values("profile_id").distinct().count()
    assert (made["withheld"], made["n_scored"]) == ("", buyers)
    card = queries.card(queries.current("churn"))
    assert card.metric("auc").is_better
    said = command("card", "churn")
    assert "Risk of not coming back" in said
    assert "only the days since the last order count" in said
    assert "The horizon is" in said


def test_a_later_cancellation_does_not_reach_back_into_what_is_learned(shop):
    day = TODAY - timedelta(days=60)
    before = Past(TODAY).orders(day)
    for one in Order.objects.all()[:200]:
        OrderChange.objects.create(
            order=one, profile_id=one.profile_id, ordered_at=one.ordered_at, status="cancelled",
            changed_at=clock.start_of(day, ZONE) + clock.HOUR, recorded_at=NOW,
            net_base_minor=0, gross_base_minor=0,
        )  # fmt: skip
    after = Past(TODAY).orders(day)
    for name in ("profile_ids", "days", "net_minor"):
        assert np.array_equal(getattr(before, name), getattr(after, name))


def test_the_command_gives_everybody_who_bought_a_stage_that_is_due_to_change(shop):
    command("run", "--model", "lifecycle")
    staged = dict(Trait.objects.filter(name="lifecycle").values_list("profile_id", "text"))
    assert staged.keys() == set(Order.objects.values_list("profile_id", flat=True))
    assert len(set(staged.values())) >= 5
    lost = {who for who, stage in staged.items() if stage == "lost"}
    assert set(LifeDue.objects.values_list("profile_id", flat=True)) == staged.keys() - lost
    assert "compares customers with themselves" in command("card", "lifecycle").replace("\n", " ")


def test_a_return_told_as_an_order_brings_nobody_back(shop):
    command("run", "--model", "lifecycle")
    held = living.in_force()
    lapsed = Trait.objects.filter(name="lifecycle", text="lapsed").values_list("profile_id")[0][0]
    write([order(Profile.objects.get(pk=lapsed), "return", NOW - clock.DAY, net=-50_00)])
    (brought_back,) = people(1)
    write([order(brought_back, "only a return", NOW - clock.DAY, net=-50_00)])
    ids = np.array(sorted([lapsed, brought_back.pk]), np.int64)
    assert not living.grade(ids, NOW, held)
    assert outlook.outlook(lapsed, at=NOW).stage == "lapsed"
    assert outlook.outlook(brought_back.pk, at=NOW) is None


def test_a_card_says_where_one_customer_stands_and_what_comes_next(shop):
    command("run", "--model", "lifecycle")
    held = living.in_force()
    for profile_id in Order.objects.order_by("id").values_list("profile_id", flat=True)[:40]:
        told = outlook.outlook(profile_id, at=NOW)
        assert told.stage == Trait.objects.get(profile_id=profile_id, name="lifecycle").text
        assert (told.changes_on is None) == (told.stage == "lost") == (not told.next_stage)
        if told.changes_on:
            then = clock.start_of(told.changes_on, ZONE)
            ids = np.array([profile_id])
            assert living.standing(ids, then, held.rhythm).stages()[0] == told.next_stage
            assert living.standing(ids, then - 1, held.rhythm).stages()[0] == told.stage
        if told.next_order:
            assert told.next_order.low < told.next_order.middle < told.next_order.high
    assert outlook.outlook(people(1)[0].pk, at=NOW) is None


def test_where_little_is_known_the_reason_is_told_and_earlier_stages_go(shop):
    command("run", "--model", "lifecycle")
    OrderChange.objects.filter(order__profile_id__in=[p.pk for p in shop[100:]]).delete()
    Order.objects.filter(profile_id__in=[p.pk for p in shop[100:]]).delete()
    said = command("run", "--model", "lifecycle").replace("\n", " ")
    assert "customers have bought" in said
    assert not Trait.objects.filter(name="lifecycle").exists()
    assert not Score.objects.filter(model="next_order_days").exists()


def test_every_word_of_every_card_is_there():
    folder = Path(coming_back.__file__).parents[1]
    for part in ("learning", "rhythm"):
        source = "".join(file.read_text("utf-8") for file in sorted((folder / part).glob("*.py")))
        assert set(re.findall(r'Note\(\s*"(\w+)"', source)) <= set(behaviour_words.NOTES)
        assert set(re.findall(r'Metric\(\s*"(\w+)"', source)) <= set(behaviour_words.METRICS)
        assert set(re.findall(r'rows_by="(\w+)"', source)) <= set(words.ROWS)
        for codes in re.findall(r"_AVOID\w* = \(([^)]*)\)", source):
            assert set(re.findall(r'"(\w+)"', codes)) <= set(words.AVOID)
    for model in (model for one in predicting.TRAINERS for model in one.models):
        assert model in words.TITLES, model
        assert model in words.SENTENCES, model


class Letters:
    """Messages, and what became of them."""

    def __init__(self) -> None:
        self.content = Content.objects.create(channel="email", created_at=0)
        self.n = 0

    def message(self, profile: Profile, at: int, *, channel="email", state="sent", reason=""):
        self.n += 1
        return Message(
            profile=profile, dedupe_key=str(self.n), token=str(self.n), origin="campaign:1",
            content=self.content, channel=channel, state=state, reason=reason, purpose="marketing",
            address=f"{self.n}@example.com", due_at=at, gated_at=at, settled_at=at + clock.MINUTE,
            not_after_at=at, created_at=at, step=str(self.n),
        )  # fmt: skip


def click(message: Message, after: int, **more) -> Receipt:
    return Receipt(message=message, kind="clicked", at=message.gated_at + after, **more)


def test_a_reaction_is_the_first_click_of_a_person_and_an_answered_call():
    ayse, letters = people(1)[0], Letters()
    at = NOW - 30 * clock.DAY
    sent = Message.objects.bulk_create(
        [
            letters.message(ayse, at),
            letters.message(ayse, at + 1),
            letters.message(ayse, at + 2),
            letters.message(ayse, at + 3, channel="call"),
            letters.message(ayse, at + 4, channel="call", state="failed", reason="no_answer"),
            letters.message(ayse, at + 5, channel="call", state="failed", reason="wrong_number"),
            letters.message(ayse, at + 6, state="skipped", reason="cap"),
            letters.message(ayse, NOW + clock.DAY),
        ]
    )
    Receipt.objects.bulk_create(
        [
            click(sent[0], 2 * clock.HOUR),
            click(sent[0], clock.HOUR),
            click(sent[1], clock.HOUR, is_machine=True),
            Receipt(message=sent[2], kind="opened", at=at + clock.HOUR),
            click(sent[2], 60 * clock.DAY),
        ]
    )
    told = reactions(NOW).to_pydict()
    assert told["channel"] == ["email", "email", "email", "call", "call"]
    assert told["sent_at"] == [at, at + 1, at + 2, at + 3, at + 4]
    assert told["reacted_at"] == [at + clock.HOUR, None, None, at + 3 + clock.MINUTE, None]


def test_the_command_learns_who_clicks_and_on_which_channel():
    letters, rng = Letters(), np.random.default_rng(6)
    everybody = people(400)
    sent, clicks = [], []
    for n, who in enumerate(everybody):
        for week in range(1, 11):
            sent.append(letters.message(who, NOW - week * 7 * clock.DAY - n * clock.MINUTE))
            if rng.random() < (0.6 if n % 4 == 0 else 0.05):
                clicks.append((len(sent) - 1, clock.HOUR))
    made = Message.objects.bulk_create(sent)
    Receipt.objects.bulk_create(click(made[i], after) for i, after in clicks)
    told = {
        one["model"]: one for one in json.loads(command("run", "--model", "best_channel", "--json"))
    }
    assert told["propensity_email"]["withheld"] == ""
    assert told["propensity_sms"]["withheld"] == "too_few_messaged"
    scores = dict(Score.objects.filter(model="propensity_email").values_list("profile_id", "value"))
    likes = np.mean([scores[who.pk] for who in everybody[::4]])
    others = np.mean([scores[who.pk] for n, who in enumerate(everybody) if n % 4])
    assert likes > 0.4
    assert others < 0.15
    best = Trait.objects.filter(name="best_channel")
    assert set(best.values_list("text", flat=True)) == {"email"}
    clicked = {sent[i].profile_id for i, _ in clicks}
    assert set(best.values_list("profile_id", flat=True)) == clicked


def test_hours_are_those_where_people_live_and_midnight_sharp_is_no_hour():
    here, there = people(2)
    Trait.objects.create(
        profile=there, name="time_zone", kind="text", text="America/New_York", source="crm",
        text_fold="america/new_york", updated_at=0,
    )  # fmt: skip
    day = TODAY - timedelta(days=9)
    Event.objects.bulk_create(
        Event(
            profile=who, name=name, at=at, recorded_at=at, dedupe_key=f"{who.pk} {name} {at}",
            source="pusula",
        )
        for who, name, at in (
            (here, "Email Clicked", _at(day, 9)),
            (here, "Email Clicked", _at(day, 9) + clock.MINUTE),
            (there, "Email Opened", _at(day, 9)),
            (here, "Email Delivered", _at(day, 3)),
            (here, "Email Opened", NOW + clock.DAY),
        )
    )  # fmt: skip
    write([order(here, 1, clock.start_of(day, ZONE)), order(here, 2, _at(day, 20))])
    acts = reading._acts(Past(TODAY), TODAY)
    found = sorted(zip(acts.people.tolist(), acts.hours.tolist(), strict=True))
    assert found == [(here.pk, 9), (here.pk, 20), (there.pk, 2)]


def test_clocks_are_put_forward_where_people_live():
    summer, winter = (_at(date(2026, month, 1), 12, "UTC") for month in (7, 1))
    shown = reading._on_clock(np.array([summer, winter]), "Europe/Berlin")
    assert (shown // clock.HOUR % 24).tolist() == [14, 13]


def test_the_command_gives_people_their_hour():
    rng = np.random.default_rng(5)
    made = []
    for n, who in enumerate(people(360)):
        for _ in range(12):
            day = TODAY - timedelta(days=int(rng.integers(1, 80)))
            hour = (9 if n % 2 else 21) if rng.random() < 0.8 else int(rng.integers(0, 24))
            at = _at(day, hour) + int(rng.integers(clock.HOUR))
            made.append(
                Event(
                    profile=who, name="Email Clicked", at=at, recorded_at=at, source="pusula",
                    dedupe_key=str(len(made)),
                )
            )  # fmt: skip
    Event.objects.bulk_create(made)
    (told,) = json.loads(command("run", "--model", "send_hour", "--json"))
    assert told["withheld"] == ""
    hours = list(Trait.objects.filter(name="send_hour").values_list("number", flat=True))
    assert len(hours) > 330
    assert sum(hour in {9, 21} for hour in hours) / len(hours) > 0.95


@pytest.mark.parametrize("nets", [(), (100_00,), (-100_00,), (0,), (100_00, -100_00)])
def test_a_company_with_hardly_an_order_is_told_why_nothing_is_predicted(nets):
    for who, net in zip(people(len(nets)), nets, strict=True):
        write([order(who, who.pk, NOW - 40 * clock.DAY, net)])
    made = json.loads(command("run", "--json"))
    assert made
    assert all(one["withheld"] for one in made)
    assert not Score.objects.exists()
    assert not Trait.objects.exists()
