"""How people moved between two RFM runs: the headline sentence and the flows that are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from pusula.rfm import words
from pusula.rfm.models import RfmRun
from pusula.rfm.moves import Flow
from pusula.web import formats
from pusula.web.charts.figure import Figure
from pusula.web.charts.sankey import Group, sankey

# The shipped groups that are worth most, and those where people are about to be lost, or are.
VALUED = ("champions", "loyal_customers")
FADING = ("at_risk", "cant_loose", "about_to_sleep", "hibernating")
TONES = {
    "champions": "c1",
    "loyal_customers": "c1",
    "potential_loyalists": "c3",
    "new_customers": "c3",
    "promising": "c3",
    "need_attention": "c4",
    "about_to_sleep": "c4",
    "at_risk": "c2",
    "cant_loose": "c2",
    "hibernating": "none",
}
_OWN_TONES = ("c1", "c3", "c4", "c2", "c5", "c6")
OTHERS = ""
_SHOWN_AT_FIRST = ("champions", "loyal_customers", "at_risk", "hibernating")
_MOST_AT_FIRST = 4


def tone(group: str, groups: Sequence[str]) -> str:
    """Return the colour class of a group; groups of the company's own take turns."""
    if group in TONES:
        return TONES[group]
    return _OWN_TONES[groups.index(group) % len(_OWN_TONES)] if group in groups else "none"


def ordered(groups: Iterable[str]) -> list[str]:
    """Return groups from the best to the lost; those of the company's own in their order behind."""
    ranks = list(TONES)
    return sorted(groups, key=lambda group: ranks.index(group) if group in TONES else len(ranks))


@dataclass(frozen=True)
class Moves:
    """What happened between two runs."""

    flows: tuple[Flow, ...]

    def between(self, before: Iterable[str], after: Iterable[str]) -> list[Flow]:
        """Return the flows that lead from one of ``before`` to one of ``after``."""
        sources, targets = set(before), set(after)
        return [f for f in self.flows if f.before in sources and f.after in targets]

    @property
    def n_new(self) -> int:
        """How many are in the later run only."""
        return sum(flow.n for flow in self.flows if flow.before is None)

    @property
    def n_gone(self) -> int:
        """How many were in the earlier run only."""
        return sum(flow.n for flow in self.flows if flow.after is None)


def headline(moves: Moves, before: RfmRun, groups: Sequence[str]) -> SafeString:
    """Return one sentence about what matters most in ``moves``."""
    since = formats.day(before.as_of_on, long=True)
    if set(VALUED) & set(groups) and set(FADING) & set(groups):
        return _lost_and_won(moves, since)
    return _largest(moves, since)


def _lost_and_won(moves: Moves, since: str) -> SafeString:
    lost, won = moves.between(VALUED, FADING), moves.between(FADING, VALUED)
    n_lost, n_won = sum(flow.n for flow in lost), sum(flow.n for flow in won)
    if not n_lost:
        sentence = gettext(
            "Since %(day)s nobody slid from the best groups to those at risk; won back: %(n_won)s."
        )
        return _filled(sentence, day=since, n_won=_bold(formats.number(n_won)))
    sentence = gettext(
        "Since %(day)s %(n)s slid from %(sources)s to %(targets)s; won back: %(n_won)s."
    )
    return _filled(
        sentence,
        day=since,
        n=_bold(people(n_lost)),
        n_won=_bold(formats.number(n_won)),
        sources=_names((flow.before for flow in lost), VALUED, "standard"),
        targets=_names((flow.after for flow in lost), FADING, "or"),
    )


def _largest(moves: Moves, since: str) -> SafeString:
    moved = [flow for flow in moves.flows if flow.before and flow.after != flow.before]
    inside = [flow for flow in moved if flow.after]
    if not inside:
        return _filled(gettext("Since %(day)s nobody changed the group."), day=since)
    most = max(inside, key=lambda flow: flow.n)
    return _filled(
        gettext("The largest move since %(day)s: %(n)s from %(source)s to %(target)s."),
        day=since,
        n=_bold(people(most.n)),
        source=words.title(most.before or ""),
        target=words.title(most.after or ""),
    )


def people(n: int) -> str:
    """Return ``6.910 müşteri``."""
    return ngettext("%(n)s customer", "%(n)s customers", n) % {"n": formats.number(n)}


def _names(found: Iterable[str | None], order: Sequence[str], style: str) -> str:
    present = set(found)
    listed = [words.title(name) for name in order if name in present]
    return formats.listing(listed, "or" if style == "or" else "standard")


def _bold(text: str) -> SafeString:
    return format_html("<b>{}</b>", text)


def _filled(sentence: str, **values: str) -> SafeString:
    """Return ``sentence`` with ``values`` escaped into it."""
    names = list(values)
    template = sentence % {name: f"{{{name}}}" for name in names}
    return format_html(template, **values)


def chosen(asked: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Return the groups to draw: those asked for, else the four that tell most."""
    known = [group for group in groups if group in asked]
    if known:
        return known
    usual = [group for group in groups if group in _SHOWN_AT_FIRST]
    return usual or list(groups[:_MOST_AT_FIRST])


def chart(moves: Moves, shown: Sequence[str], before: RfmRun, after: RfmRun) -> Figure | None:
    """Return the flows from and to the groups ``shown``; all other groups are one band."""
    flows: dict[tuple[str, str], int] = {}
    for flow in moves.flows:
        source = flow.before if flow.before in shown else OTHERS
        target = flow.after if flow.after in shown else OTHERS
        if source or target:
            pair = (source or OTHERS, target or OTHERS)
            flows[pair] = flows.get(pair, 0) + flow.n
    if not flows:
        return None
    names = list(after.groups)
    drawn = [Group(name, words.title(name), tone(name, names)) for name in shown]
    if any(OTHERS in pair for pair in flows):
        drawn.append(Group(OTHERS, gettext("Others"), "none"))
    sides = (formats.day(before.as_of_on), formats.day(after.as_of_on))
    return sankey(
        drawn,
        flows,
        sentence=gettext("Moves between groups from %(before)s to %(after)s.")
        % {"before": sides[0], "after": sides[1]},
        sides=sides,
        head=(gettext("From"), gettext("To"), gettext("Customers")),
    )
