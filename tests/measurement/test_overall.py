"""What all messages together cause, against the control group of all messages."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pusula.lib import clock
from pusula.measurement.experiments import overall
from pusula.ops.experiments import experiments as command
from pusula.orders.models import Order, OrderChange
from pusula.outbox import policies
from pusula.outbox.rules.policy import Holdout, Policy
from pusula.outbox.rules.weigh import is_held_out
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db
SINCE = 1_790_000_000_000_000  # 2026-09-21
NOW = SINCE + 60 * clock.DAY


def bought(who: Profile, at: int, minor: int) -> None:
    order = Order.objects.create(
        profile=who, source="shop", source_id=str(Order.objects.count()), status="confirmed",
        ordered_at=at, status_at=at, currency="TRY", gross_minor=minor, net_minor=minor,
        gross_base_minor=minor, net_base_minor=minor, recorded_at=at,
    )  # fmt: skip
    OrderChange.objects.create(
        order=order, profile=who, ordered_at=at, changed_at=at, recorded_at=at,
        status="confirmed", gross_base_minor=minor, net_base_minor=minor,
    )  # fmt: skip


@pytest.fixture
def company():
    """Forty customers, a quarter of them in the control group; the others buy more."""
    made = Profile.objects.bulk_create(Profile(created_at=0, recorded_at=0) for _ in range(40))
    policy = Policy(holdout=Holdout(share=0.25, name="2026"))
    policies.apply(policy, by="", at=SINCE)
    held = [one for one in made if is_held_out(policy, one.pk)]
    free = [one for one in made if not is_held_out(policy, one.pk)]
    for i, one in enumerate(free):
        bought(one, SINCE + clock.DAY, 300_00 + i)
        bought(one, SINCE + 30 * clock.DAY, 200_00 + i)
    for i, one in enumerate(held):
        bought(one, SINCE + clock.DAY, 100_00 + i)
        bought(one, SINCE - clock.DAY, 900_00)  # before the group was drawn
    return held, free


def test_each_month_and_all_of_them_say_what_messages_caused(company):
    held, free = company
    found = overall.measured(NOW)
    assert found is not None
    assert (found.n_control, found.n_treated) == (len(held), len(free))
    assert found.since_at == SINCE
    assert [one.first_on.month for one in found.months] == [9, 10, 11]
    september, october, november = found.months
    difference = september.means.difference
    assert difference == pytest.approx(200_00, abs=30)
    assert september.gained == pytest.approx(difference * len(free))
    assert september.forgone == pytest.approx(difference * len(held))
    assert september.gained_interval.low < september.gained < september.gained_interval.high
    assert october.means.difference == pytest.approx(200_00, abs=30)
    assert november.means.difference == 0
    assert found.whole is not None
    assert found.whole.gained == pytest.approx(september.gained + october.gained)


def test_who_was_not_known_when_a_month_began_does_not_count_in_it(company):
    late = Profile.objects.create(created_at=0, recorded_at=SINCE + 20 * clock.DAY)
    bought(late, SINCE + 21 * clock.DAY, 5_000_00)
    found = overall.measured(NOW)
    assert found is not None
    everybody = [one.means.treated.n + one.means.control.n for one in found.months]
    assert everybody == [40, 40, 41]  # who came on the eleventh of October counts from November on


def test_another_draw_begins_anew(company):
    again = Policy(holdout=Holdout(share=0.25, name="2027"))
    policies.apply(again, by="", at=SINCE + 31 * clock.DAY)
    found = overall.measured(NOW)
    assert found is not None
    assert found.since_at == SINCE + 31 * clock.DAY
    assert found.name == "2027"


def test_without_such_a_group_there_is_nothing_to_say(english):
    assert overall.measured(NOW) is None
    done = CliRunner().invoke(command, ["everything"])
    assert done.exit_code == 2
    assert "there is no control group of all messages" in done.output


def test_the_command_tells_it_month_by_month(company):
    found = json.loads(CliRunner().invoke(command, ["everything", "--json"]).output)
    assert found["share"] == 0.25
    assert found["n_control"] == len(company[0])
    text = CliRunner().invoke(command, ["everything"], catch_exceptions=False)
    assert text.exit_code == 0
