"""The kinds of nodes: what each is called, what edits it, and what can stand below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from pusula.web.journey_form import steps, triggers
from pusula.web.journey_form.boxes import Editor, Here
from pusula.web.journey_form.messages import MessageEditor
from pusula.web.journey_form.parts import OutcomeEditor, RawEditor, VariantEditor
from pusula.web.journey_form.triggers import ApiEditor

Make = Callable[[Here, str], Editor]
YAML = "yaml"
CONDITIONS = ("where", "way")
THEN, ELSE = "then", "else"


@dataclass(frozen=True)
class Kind:
    """A kind of node: icon, title, one sentence, what makes its editor.

    ``parts`` are those it always leads to; ``many`` is the kind of those that can be added, of
    which it begins with ``first``.
    """

    icon: str
    title: str | Promise
    hint: str | Promise = ""
    make: Make | None = None
    parts: tuple[str, ...] = ()
    many: str = ""
    first: int = 0


def _step(word: str) -> str | Promise:
    return _TITLES[word]


# The words of journey_words.py, where steps have them.
_TITLES: Mapping[str, str | Promise] = {
    "wait": pgettext_lazy("step of a journey", "Wait"),
    "first": pgettext_lazy("step of a journey", "Wait for something"),
    "branch": pgettext_lazy("step of a journey", "Condition"),
    "split": pgettext_lazy("step of a journey", "Lot"),
    "message": pgettext_lazy("step of a journey", "Message"),
    "task": pgettext_lazy("step of a journey", "Call"),
    "approval": pgettext_lazy("step of a journey", "Approval"),
    "webhook": pgettext_lazy("step of a journey", "Tell a program"),
    "set_trait": pgettext_lazy("step of a journey", "Set a trait"),
    "list": pgettext_lazy("step of a journey", "List"),
    "coupon": pgettext_lazy("step of a journey", "Code"),
    "goal": pgettext_lazy("step of a journey", "Goal"),
    "exit": pgettext_lazy("step of a journey", "Exit"),
    "continue": pgettext_lazy("step of a journey", "Continue"),
}

TRIGGERS: Mapping[str, Kind] = {
    "event": Kind(
        "activity", _("An event"), _("Whoever does something"),
        lambda here, _id: triggers.EventEditor(here),
    ),
    "order": Kind(
        "shopping-bag", _("An order or booking"), _("It is placed, confirmed, cancelled …"),
        lambda here, _id: triggers.OrderEditor(here),
    ),
    "enters": Kind(
        "user-plus", _("Entering a segment"), _("Whoever meets its conditions from now on"),
        lambda here, _id: triggers.SegmentEditor(here, "enters"),
    ),
    "leaves": Kind(
        "user-minus", _("Leaving a segment"), _("Whoever meets its conditions no more"),
        lambda here, _id: triggers.SegmentEditor(here, "leaves"),
    ),
}  # fmt: skip
ENTRIES: Mapping[str, Kind] = {
    **TRIGGERS,
    "schedule": Kind(
        "calendar", _("A schedule"), _("All members of a segment, once or again and again"),
        lambda here, _id: triggers.ScheduleEditor(here),
    ),
    "date": Kind(
        "calendar-clock", _("A date"), _("Before or after a stay, on a birthday"),
        lambda here, _id: triggers.DateEditor(here),
    ),
    "api": Kind(
        "webhook", _("A program or a person"), _("Put in by name"),
        lambda _here, _id: ApiEditor(),
    ),
}  # fmt: skip
WHERE = Kind("list-filter", _("A condition"), _("Looked at with every step"))
ENDS: Mapping[str, Kind] = {**TRIGGERS, "where": WHERE}
WHO: Mapping[str, Kind] = {
    "where": Kind("list-filter", _("A condition"), _("It must hold of those who come in"))
}
STEPS: Mapping[str, Kind] = {
    "message": Kind(
        "send", _step("message"), _("On the first channel that may be used"),
        lambda here, _id: MessageEditor(here),
    ),
    "wait": Kind(
        "clock", _step("wait"), _("A length of time, a time of day, a date"),
        lambda here, _id: steps.WaitEditor(here),
    ),
    "first": Kind(
        "hourglass", _step("first"), _("Until it happens, or the time is over"),
        lambda _here, _id: steps.FirstEditor(), (THEN, ELSE), "trigger", 0,
    ),
    "branch": Kind(
        "git-branch", _step("branch"), _("The first way whose condition holds"),
        lambda _here, _id: steps.PlainEditor("branch"), (ELSE,), "way", 1,
    ),
    "split": Kind(
        "shuffle", _step("split"), _("A random share for each variant"),
        lambda _here, _id: steps.PlainEditor("split"), (), "variant", 2,
    ),
    "task": Kind(
        "phone", _step("task"), _("An agent calls, with a script"),
        lambda _here, _id: steps.TaskEditor("task"), (ELSE,), "outcome", 1,
    ),
    "approval": Kind(
        "user-check", _step("approval"), _("A colleague says yes or no"),
        lambda _here, _id: steps.TaskEditor("approval"), (THEN, ELSE),
    ),
    "coupon": Kind(
        "ticket", _step("coupon"), _("Keeps a code of a pool for them"),
        lambda here, _id: steps.coupon(here), (ELSE,),
    ),
    "set_trait": Kind(
        "tag", _step("set_trait"), _("Writes a fact about the customer"),
        lambda here, _id: steps.TraitEditor(here),
    ),
    "list": Kind(
        "list-checks", _step("list"), _("Puts them on a list, or takes them off"),
        lambda here, _id: steps.ListEditor(here),
    ),
    "webhook": Kind(
        "webhook", _step("webhook"), _("Posts to an address of yours"),
        lambda _here, _id: steps.webhook(),
    ),
    "goal": Kind(
        "target", _step("goal"), _("Counts as reached; the journey goes on"),
        lambda _here, _id: steps.said("goal"),
    ),
    "continue": Kind(
        "corner-down-right", _step("continue"), _("Goes on with a later step"),
        steps.goes_on,
    ),
    "exit": Kind(
        "log-out", _step("exit"), _("They leave the journey here"),
        lambda _here, _id: steps.said("exit"),
    ),
    YAML: Kind(
        "code", _("A step as YAML"), _("For what has no boxes of its own"),
        lambda _here, _id: RawEditor(),
    ),
}  # fmt: skip
PARTS: Mapping[str, Kind] = {
    THEN: Kind("corner-down-right", ""),
    ELSE: Kind("corner-down-right", ""),
    "way": Kind("list-filter", _("Condition"), _("Another condition")),
    "variant": Kind(
        "shuffle", _("Variant"), _("Another variant"), make=lambda _here, _id: VariantEditor()
    ),
    "outcome": Kind(
        "phone", _("Outcome"), _("Another outcome"), make=lambda _here, _id: OutcomeEditor()
    ),
}
# What the lists of a journey may hold.
MENUS: Mapping[str, Mapping[str, Kind]] = {
    "entries": ENTRIES,
    "who": WHO,
    "goal": ENDS,
    "exits": ENDS,
    "steps": STEPS,
    "first": TRIGGERS,
}


def menu(above: str) -> Mapping[str, Kind]:
    """Return the kinds of nodes that can be added below a node of the kind ``above``."""
    if above in MENUS:
        return MENUS[above]
    if above in PARTS:
        return STEPS
    many = STEPS[above].many if above in STEPS else ""
    return {many: PARTS[many]} if many in PARTS else {}


def of(above: str, kind: str) -> Kind | None:
    """Return what a node of ``kind`` below one of ``above`` is; ``None`` if it cannot be there."""
    if above in STEPS and kind in STEPS[above].parts:
        return PARTS[kind]
    found = menu(above).get(kind)
    if found is None and kind == YAML and above in MENUS:
        return STEPS[YAML]
    return found
