"""Alerts on RFM groups: which rules a run meets, who is told, what is refused."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import translation
from tests.rfm.histories import people, run

from pusula.lib import clock
from pusula.orders.models import Order, OrderChange
from pusula.rfm import actions, alerts, sentences
from pusula.rfm.alerts import AlertError, Asked
from pusula.rfm.models import Alert, AlertRule
from pusula.rfm.rules import Config

pytestmark = pytest.mark.django_db
MAY, JUNE, JULY = (date(2026, month, 1) for month in (5, 6, 7))
RISK, CHAMPIONS = "at_risk", "champions"


@pytest.fixture
def crowd():
    return people(20)


def month(day: date, crowd, *, risk: int, champions: int = 0, **given):
    """Keep a run in which the first so many were champions and the last so many at risk."""
    groups = dict.fromkeys(crowd[:champions], CHAMPIONS)
    return run(day, groups | dict.fromkeys(crowd[len(crowd) - risk :], RISK), **given)


def kept(kind, group, **given) -> AlertRule:
    asked = Asked(kind, group, **given)
    return AlertRule.objects.create(
        kind=asked.kind, group=asked.group, to_group=asked.to_group, share=asked.share, n=asked.n,
        created_by="deniz", created_at=0,
    )  # fmt: skip


def told() -> list[str]:
    with translation.override("en"):
        return [sentences.alert(alert) for alert in alerts.open_alerts()]


def test_a_group_that_grew_by_as_much_as_a_rule_says_is_told(crowd):
    month(MAY, crowd, risk=10)
    june = month(JUNE, crowd, risk=12)
    kept("grew", RISK, share=0.2)
    kept("shrank", RISK, share=0.2)
    alerts.check(june)
    assert told() == ["At risk grew by 20%: 10 customers on 1 May 2026, 12 on 1 Jun 2026."]


def test_one_customer_less_than_the_rule_says_is_not_told(crowd):
    month(MAY, crowd, risk=10)
    june = month(JUNE, crowd, risk=11)
    kept("grew", RISK, share=0.2)
    alerts.check(june)
    assert told() == []


def test_a_group_that_shrank_and_one_that_was_empty_are_told(crowd):
    month(MAY, crowd, risk=10)
    june = month(JUNE, crowd, risk=5, champions=3)
    kept("shrank", RISK, share=0.5)
    kept("grew", CHAMPIONS, share=5.0)
    alerts.check(june)
    assert told() == [
        "At risk shrank by 50%: 10 customers on 1 May 2026, 5 on 1 Jun 2026.",
        "Champions was empty on 1 May 2026 and has 3 customers on 1 Jun 2026.",
    ]


def test_moves_are_told_only_beyond_the_number_of_the_rule(crowd):
    month(MAY, crowd, risk=0, champions=8)
    june = run(JUNE, dict.fromkeys(crowd[:6], RISK))
    kept("moved", CHAMPIONS, to_group=RISK, n=6)
    alerts.check(june)
    assert told() == []
    AlertRule.objects.update(n=5)
    alerts.check(june)
    said = "6 customers moved from Champions to At risk between 1 May 2026 and 1 Jun 2026."
    assert told() == [said]


def test_runs_by_other_rules_are_not_compared_and_a_first_run_meets_nothing(crowd):
    kept("grew", RISK, share=0.1)
    may = month(MAY, crowd, risk=5, key="other")
    alerts.check(may)
    june = month(JUNE, crowd, risk=20)
    alerts.check(june)
    assert Alert.objects.count() == 0


def test_a_run_looked_at_twice_tells_once_and_what_was_seen_stays_seen(crowd):
    month(MAY, crowd, risk=5)
    june = month(JUNE, crowd, risk=20)
    kept("grew", RISK, share=0.1)
    alerts.check(june)
    [alert] = alerts.open_alerts()
    assert alerts.put_aside(alert.pk, by="deniz")
    assert not alerts.put_aside(alert.pk, by="ece")
    alerts.check(june)
    assert told() == []
    assert Alert.objects.get().seen_by == "deniz"


def test_only_what_the_newest_run_met_is_open(crowd):
    month(MAY, crowd, risk=5)
    june = month(JUNE, crowd, risk=20)
    kept("grew", RISK, share=0.1)
    alerts.check(june)
    alerts.check(month(JULY, crowd, risk=20))
    assert told() == []
    assert Alert.objects.count() == 1


def test_a_new_rule_looks_at_the_newest_run_at_once_and_says_how_often_it_spoke(crowd):
    for day, risk in ((MAY, 5), (JUNE, 10), (JULY, 10), (date(2026, 8, 1), 20)):
        month(day, crowd, risk=risk)
    rule = alerts.add(Asked("grew", RISK, share=0.5), by="deniz")
    assert len(told()) == 1
    assert alerts.past(rule) == [True, False, True]
    assert alerts.past(rule, 2) == [False, True]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked("grew", "sahte", share=0.2), "no group “sahte”; there are: hibernating"),
        (Asked("moved", RISK, "sahte", n=3), "no group “sahte”"),
        (Asked("moved", RISK, RISK, n=3), "Name two groups"),
        (Asked("moved", RISK, CHAMPIONS, n=-1), "how many customers"),
        (Asked("moved", RISK, CHAMPIONS, n=2**40), "how many customers"),
        (Asked("moved", RISK, CHAMPIONS), "how many customers"),
        (Asked("grew", RISK), "by how much"),
        (Asked("grew", RISK, share=0.0), "by how much"),
        (Asked("shrank", RISK, share=-0.2), "by how much"),
        (Asked("grew", RISK, share=float("nan")), "by how much"),
    ],
)
def test_rules_nobody_can_mean_are_refused_with_the_way_out(crowd, english, asked, words):
    month(MAY, crowd, risk=5)
    with pytest.raises(AlertError, match=words):
        alerts.add(asked, by="deniz")
    assert AlertRule.objects.count() == 0


def test_the_same_rule_twice_and_too_many_rules_are_refused(crowd, english, monkeypatch):
    month(MAY, crowd, risk=5)
    alerts.add(Asked("grew", RISK, share=0.2), by="deniz")
    with pytest.raises(AlertError, match="remove it first"):
        alerts.add(Asked("grew", RISK, share=0.3), by="deniz")
    monkeypatch.setattr(alerts, "MOST_RULES", 1)
    with pytest.raises(AlertError, match="1 rules already"):
        alerts.add(Asked("grew", CHAMPIONS, share=0.3), by="deniz")


def test_without_a_run_there_are_no_groups_to_name(english):
    with pytest.raises(AlertError, match="no RFM run yet"):
        alerts.add(Asked("grew", RISK, share=0.2), by="deniz")


def test_every_run_that_becomes_the_newest_is_looked_at(crowd):
    """Through the public door: orders, a run, a rule, more orders, the next run."""

    def buy(profile, day: date) -> None:
        at = clock.start_of(day, "Europe/Istanbul")
        same = {"status": "completed", "ordered_at": at, "recorded_at": at,
                "gross_base_minor": 100, "net_base_minor": 100}  # fmt: skip
        order = Order.objects.create(
            profile=profile, source="shop", source_id=f"{profile.pk}-{day}", status_at=at,
            currency="TRY", gross_minor=100, net_minor=100, **same,
        )  # fmt: skip
        OrderChange.objects.create(order=order, profile=profile, changed_at=at, **same)

    for place, profile in enumerate(crowd[:10]):
        buy(profile, date(2026, 1, 1 + place))
    actions.run(date(2026, 2, 1), Config())
    alerts.add(Asked("grew", "hibernating", share=0.2), by="deniz")
    for place, profile in enumerate(crowd[10:]):
        buy(profile, date(2026, 2, 10 + place))
    actions.run(date(2026, 3, 1), Config())
    [alert] = alerts.open_alerts()
    assert (alert.rule.group, alert.before.as_of_on) == ("hibernating", date(2026, 2, 1))
    actions.run(date(2026, 1, 5), Config())  # one of the past tells nothing
    assert Alert.objects.count() == 1
    again = actions.run(date(2026, 3, 1), Config())
    assert [alert.run_id for alert in alerts.open_alerts()] == [again.pk]
