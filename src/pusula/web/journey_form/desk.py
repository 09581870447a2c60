"""What lies before somebody who writes a journey: the draft, what it says, what is open, undo."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from pusula.journeys import queries, versions
from pusula.journeys.language import DefinitionError, Names, dump, parse
from pusula.journeys.language.nodes import USUAL_HOLDOUT
from pusula.segments.language import read_yaml
from pusula.web import formats
from pusula.web.builder import desk as conditions_desk
from pusula.web.builder import edits as condition_edits
from pusula.web.builder import undo
from pusula.web.builder.picks import Picker
from pusula.web.journey_form import conditions, documents, edits, kinds, reading
from pusula.web.journey_form import draft as drafts
from pusula.web.journey_form.boxes import Here
from pusula.web.journey_form.draft import HEAD, MOST_STATE, Draft, FormError, Node
from pusula.web.journey_form.edits import Edit
from pusula.web.journey_form.writing import written

if TYPE_CHECKING:
    from django.http import QueryDict

    from pusula.journeys.models import Journey, JourneyVersion
    from pusula.web.builder.draft import Draft as Condition
    from pusula.web.journey_form.documents import Said

_PLUS = re.compile(r"([a-z][a-z0-9]{0,11}):([0-9]{1,3})")
_MOST_STEPS = 20

# In per cent: what a new journey holds out unless somebody decides otherwise.


@dataclass
class Desk:
    """A draft with all that its page needs.

    ``opened`` is the node whose sheet is open, ``plus`` (``ABOVE:PLACE``) where something is about
    to be added, ``taken`` the step that is about to be put elsewhere. ``yaml`` is the text that is
    edited in place of the form, ``yaml_error`` why it says nothing. ``base`` names the version that
    the draft began from. ``condition`` is the open condition as the segment builder holds it.
    """

    draft: Draft
    picker: Picker
    here: Here
    opened: str = ""
    plus: str = ""
    taken: str = ""
    past: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)
    yaml: str = ""
    yaml_error: str = ""
    base: str = ""
    condition: Condition | None = None

    def __post_init__(self) -> None:
        self.said: Said = documents.say(self.draft, self.picker, self.here)

    @property
    def open_node(self) -> Node | None:
        """The node whose sheet is open."""
        return self.draft.find(self.opened) if self.opened else None

    @property
    def drawn(self) -> str:
        """The field ``drawn``: whose boxes are on the page."""
        return f"{HEAD} {self.opened}" if self.open_node else HEAD

    @property
    def can_undo(self) -> bool:
        """Whether there is something to go back to."""
        return len(self.past) > 1

    def look_again(self) -> None:
        """Say the draft anew, after something outside of the form changed it."""
        self.said = documents.say(self.draft, self.picker, self.here)

    # -- buttons ----------------------------------------------------------------------------------

    def press(self, op: str) -> Edit:
        """Do what the button ``op`` says."""
        done = Edit()
        name, _, target = op.partition(":")
        match name:
            case "undo":
                self._back()
            case "redo":
                self._forward()
            case "yaml":
                self.yaml = written(self._whole())
            case "form" if not self.yaml_error:
                self.yaml = ""
            case "draw":  # a box was changed: what is drawn now is the next step
                self.future = []
                done = Edit(self.opened, target)
            case "open":
                self._open(target)
                done = Edit(focus=self.opened)
            case "close":
                done = Edit(focus=self.opened)
                self._open("")
            case "plus":
                self._open("")
                self.plus = target if _PLUS.fullmatch(target) else ""
                done = Edit(focus=f"plus:{self.plus}")
            case "take":
                self.taken = target if self.draft.find(target) else ""
                self._open("")
                words = gettext("Choose a plus where the step shall go.") if self.taken else ""
                done = Edit(focus=self.taken, words=words)
            case _:
                done = self._changed(op)
        self.look_again()
        return done

    def _changed(self, op: str) -> Edit:
        before = self.draft.state
        if self.condition is not None:
            node_id = op.partition(":")[2].partition(":")[0]
            if self.condition.find(node_id):
                done = condition_edits.edit(self.condition, op, self.picker)
                self._keep_condition()
                self._done(before)
                return Edit(self.opened, done.focus, done.words)
        made = edits.edit(self.draft, op, self.taken)
        if made is None:
            return Edit(focus=self.opened)
        self._done(before)
        self.plus = self.taken = ""
        if made.opened or not self.open_node:
            self._open(made.opened)
        return made

    def _open(self, node_id: str) -> None:
        node = self.draft.find(node_id) if node_id else None
        self.plus = ""
        self.opened = node.id if node is not None and node.id not in drafts.LISTS else ""
        if self.opened == HEAD:
            self.opened = ""
        is_condition = node is not None and node.kind in kinds.CONDITIONS
        self.condition = conditions.draft_of(node.fields) if node and is_condition else None

    def _keep_condition(self) -> None:
        if self.open_node is not None and self.condition is not None:
            self.open_node.fields = conditions.fields_of(self.condition)

    # -- back and forward -------------------------------------------------------------------------

    def _done(self, before: str) -> None:
        self._keep(before)
        self.future = []

    def _keep(self, state: str) -> None:
        if not self.past or self.past[-1] != state:
            self.past = [*self.past, state][-_MOST_STEPS:]

    def note_drawn(self, before: str) -> None:
        """Note that the draft is what is drawn now; ``before`` its boxes were filled."""
        self._keep_condition()
        if self.past and self.past[-1] == before:
            self.past.pop()
        self._keep(self.draft.state)

    def _back(self) -> None:
        state = self.draft.state
        while self.past and self.past[-1] == state:
            self.past.pop()
        if self.past:
            self.future = [*self.future, state][-_MOST_STEPS:]
            self._return_to(self.past[-1])

    def _forward(self) -> None:
        if self.future:
            self._keep(self.draft.state)
            self._return_to(self.future.pop())

    def _return_to(self, state: str) -> None:
        self.draft = drafts.of_state(state)
        self._open(self.opened)

    # -- YAML -------------------------------------------------------------------------------------

    def _whole(self) -> dict[str, object]:
        """Return the document, in the canonical order where it is whole."""
        return dump(self.said.journey) if self.said.journey is not None else self.said.document

    def document(self) -> dict[str, object]:
        """Return the document of a whole draft."""
        return self._whole()

    def read_yaml(self, text: str) -> None:
        """Put what the text says into the form; where it says nothing, keep both and tell why."""
        self.yaml = text.replace("\r\n", "\n").replace("\0", "").strip() or "{}"
        try:
            known = parse(read_yaml(self.yaml), Names(schema=self.here.names.schema))
            self._put(dump(known))
        except DefinitionError as error:
            self.yaml_error = error.said(gettext)
        except FormError as error:
            self.yaml_error = error.said(gettext)
        self.look_again()

    def _put(self, document: dict[str, object]) -> None:
        draft = reading.draft_of(document, self.picker, self.here)
        drafts.of_state(draft.state)  # what is too large for the form stays text
        self.draft = draft
        self._open("")


# -- where desks come from ------------------------------------------------------------------------


def opened(journey: Journey | None, document: dict[str, object] | None = None) -> Desk:
    """Return the desk of ``journey`` by its newest version, or of a new one that says ``document``.

    What no longer can be read is opened as text, with what is wrong with it.
    """
    version = queries.newest(journey) if journey else None
    definition = version.definition if version else document or {}
    names, picker = versions.names(), Picker()
    desk = Desk(Draft(), picker, Here(names, picker.choices), base=mark(version))
    if definition:
        desk.read_yaml(written(definition))
        desk.yaml = desk.yaml if desk.yaml_error else ""
    if journey is None:
        desk.draft.head.fields.pop("key", None)
        if not definition:
            desk.draft.head.fields.put("holdout", str(USUAL_HOLDOUT))
    return desk


def sent(form: QueryDict) -> Desk:
    """Return the desk that a form says; raise ``FormError`` if it is none of ours."""
    inner = conditions_desk.sent(form)
    draft = drafts.read(form)
    here = Here(versions.names(), inner.picker.choices)
    desk = Desk(draft, inner.picker, here)
    desk.past, desk.future = (_states(form.get(name, "")) for name in ("back", "ahead"))
    desk.base = form.get("base", "")[:60]
    opened_ = form.get("open", "")
    if (node := draft.find(opened_)) is not None and opened_ in form.get("drawn", "").split():
        if node.kind in kinds.CONDITIONS:
            node.fields = conditions.fields_of(inner.draft)
        desk._open(opened_)  # noqa: SLF001 - its own module
    desk.plus = form.get("plus", "") if _PLUS.fullmatch(form.get("plus", "")) else ""
    taken = draft.find(form.get("taken", ""))
    desk.taken = taken.id if taken is not None else ""
    if "text" in form:
        desk.read_yaml(form.get("text", ""))
    desk.look_again()
    return desk


def _states(text: str) -> list[str]:
    found = [dict(state).get("state", "") for state in undo.unpack(text)]
    return [state for state in found if state and len(state) <= MOST_STATE][-_MOST_STEPS:]


def packed(states: list[str]) -> str:
    """Return states as one field."""
    return undo.pack([[("state", state)] for state in states])


def mark(version: JourneyVersion | None) -> str:
    """Return what names a version as it is: one that was never published is written over."""
    return f"{version.pk}:{version.created_at}" if version else ""


def overtaken(desk: Desk, newest: JourneyVersion | None) -> str:
    """Return who has changed the journey since the draft began, if anybody has.

    It is said once: whoever saves again knows what they replace.
    """
    if newest is None or mark(newest) == desk.base:
        return ""
    desk.base = mark(newest)
    said = gettext(
        "%(who)s changed this journey meanwhile (version %(number)d, %(when)s). "
        "Save again to put yours in its place, or open the journey to see theirs."
    )
    return said % {
        "who": newest.created_by or gettext("Somebody else"),
        "number": newest.number,
        "when": formats.moment(newest.created_at),
    }
