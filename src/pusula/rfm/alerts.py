"""Alerts on moves between groups: rules that people keep, looked at after each run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.rfm import figures, moves, queries
from pusula.rfm.models import Alert, AlertRule, RfmRun

Kind = Literal["grew", "shrank", "moved"]
MOST_RULES = 50
_BIGGEST_SHARE = 100.0  # a hundredfold
_BIGGEST_N = 2**31 - 1


class AlertError(PusulaError):
    """A rule of alerts cannot be kept as asked."""

    code = "bad_rfm_alert"


@dataclass(frozen=True)
class Asked:
    """What a new rule should say: ``share`` of grew and shrank, ``n`` and ``to_group`` of moved."""

    kind: Kind
    group: str
    to_group: str = ""
    share: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Finding:
    """What a rule is about in two runs; ``n_after`` of moved are those who moved."""

    n_before: int
    n_after: int


def rules() -> QuerySet[AlertRule]:
    """Return the rules that are kept, in the order in which they were made."""
    return AlertRule.objects.order_by("pk")


def open_alerts() -> QuerySet[Alert]:
    """Return what the newest run met and nobody has put aside, by rule."""
    newest = queries.latest()
    found = Alert.objects.filter(run=newest, seen_at=None) if newest else Alert.objects.none()
    return found.select_related("rule", "run", "before").order_by("rule_id")


def add(asked: Asked, *, by: str) -> AlertRule:
    """Keep a rule, and look at the newest run with it at once.

    Raises ``AlertError`` for groups that the newest run does not have, for a limit nobody can
    mean, and for a rule that is there already.
    """
    newest = queries.latest()
    _check(asked, newest)
    try:
        with transaction.atomic():
            rule = AlertRule.objects.create(
                kind=asked.kind,
                group=asked.group,
                to_group=asked.to_group,
                share=asked.share,
                n=asked.n,
                created_by=by,
                created_at=clock.now(),
            )
            if newest is not None:
                check(newest)
    except IntegrityError as error:
        raise AlertError(
            gettext("There is such a rule already: remove it first to change its limit.")
        ) from error
    return rule


def remove(number: int) -> bool:
    """Forget a rule and its alerts; return whether it was there."""
    return AlertRule.objects.filter(pk=number).delete()[0] > 0


def put_aside(number: int, *, by: str) -> bool:
    """Note that somebody has seen an alert; return whether it was open."""
    found = Alert.objects.filter(pk=number, seen_at=None)
    return found.update(seen_at=clock.now(), seen_by=by) > 0


def check(run: RfmRun) -> None:
    """Write down which rules ``run`` meets against the run before it, in one transaction."""
    before = moves.alike(run).filter(as_of_on__lt=run.as_of_on).first()
    if before is None:
        return
    known = set(Alert.objects.filter(run=run).values_list("rule_id", flat=True))
    with transaction.atomic():
        for rule, finding in _findings(before, run):
            if rule.pk not in known and is_met(rule, finding):
                Alert.objects.create(
                    rule=rule,
                    run=run,
                    before=before,
                    n_before=finding.n_before,
                    n_after=finding.n_after,
                )


def past(rule: AlertRule, n: int = 12) -> list[bool]:
    """Return for each of the last ``n`` steps between runs whether it would have met ``rule``.

    The oldest first. Only what sizes say: a rule on moves is answered with nothing.
    """
    newest = queries.latest()
    if newest is None or rule.kind == "moved":
        return []
    runs = list(moves.alike(newest)[: n + 1])[::-1]
    sizes = [figures.sizes(run) for run in runs]
    return [is_met(rule, _of_sizes(rule, old, new)) for old, new in pairwise(sizes)]


def is_met(rule: AlertRule, finding: Finding) -> bool:
    """Return whether ``finding`` is what the rule wants to be told of."""
    if rule.n is not None:
        return finding.n_after > rule.n
    share, change = rule.share or 0.0, finding.n_after - finding.n_before
    if rule.kind == "shrank":
        change = -change
    return change > 0 and change >= share * finding.n_before


def _findings(before: RfmRun, run: RfmRun) -> Iterator[tuple[AlertRule, Finding]]:
    kept = list(rules())
    if any(rule.kind == "moved" for rule in kept):
        flows = {(flow.before, flow.after): flow.n for flow in moves.transitions(before, run)}
    old, new = figures.sizes(before), figures.sizes(run)
    for rule in kept:
        if rule.kind == "moved":
            n = flows.get((rule.group, rule.to_group), 0)
            yield rule, Finding(old.get(rule.group, 0), n)
        else:
            yield rule, _of_sizes(rule, old, new)


def _of_sizes(rule: AlertRule, old: Mapping[str, int], new: Mapping[str, int]) -> Finding:
    return Finding(old.get(rule.group, 0), new.get(rule.group, 0))


def _check(asked: Asked, newest: RfmRun | None) -> None:
    if newest is None:
        raise AlertError(gettext("There is no RFM run yet: rules of alerts name its groups."))
    if AlertRule.objects.count() >= MOST_RULES:
        raise AlertError(gettext("There are %(n)s rules already: remove one.") % {"n": MOST_RULES})
    named = [asked.group, asked.to_group] if asked.kind == "moved" else [asked.group]
    for group in named:
        if group not in newest.groups:
            words = {"group": group, "groups": ", ".join(newest.groups)}
            raise AlertError(
                gettext("There is no group “%(group)s”; there are: %(groups)s.") % words
            )
    if asked.kind == "moved":
        _check_moved(asked)
    elif asked.share is None or not 0 < asked.share <= _BIGGEST_SHARE:
        raise AlertError(gettext("Say by how much, between 0.1 and 10,000 percent."))


def _check_moved(asked: Asked) -> None:
    if asked.group == asked.to_group:
        raise AlertError(gettext("Name two groups: nobody moves from a group to itself."))
    if asked.n is None or not 0 <= asked.n <= _BIGGEST_N:
        raise AlertError(gettext("Say how many customers, 0 or more."))
