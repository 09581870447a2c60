"""What lies before somebody who builds: the draft, what it says, where it began, the way back."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext

from pusula.segments.language import DefinitionError
from pusula.segments.models import Segment, SegmentVersion
from pusula.web import formats
from pusula.web.builder import documents, edits, undo
from pusula.web.builder import draft as drafts
from pusula.web.builder.documents import Said
from pusula.web.builder.draft import Draft
from pusula.web.builder.editors import written
from pusula.web.builder.fields import Fields
from pusula.web.builder.picks import Picker
from pusula.web.builder.undo import Steps
from pusula.web.request import whole


@dataclass
class Desk:
    """A draft with all that its page needs.

    ``yaml`` is the text that is edited in place of the tree, ``yaml_error`` why it says nothing.
    ``base`` is the id of the version that the draft began from (0: none).
    """

    draft: Draft
    picker: Picker
    steps: Steps
    said: Said
    yaml: str = ""
    yaml_error: str = ""
    base: int = 0

    @property
    def in_yaml(self) -> bool:
        """Whether they edit the text."""
        return bool(self.yaml)

    def press(self, op: str) -> edits.Edit:
        """Change the draft as the button ``op`` says."""
        done = edits.Edit()
        match op:
            case "undo":
                self.draft = self.steps.back(self.draft)
            case "redo":
                self.draft = self.steps.forward(self.draft)
            case "yaml":
                self.yaml = written(self.said.document) if self.said.document else "all: []"
            case "form" if not self.yaml_error:
                self.yaml = ""
            case _:
                name, _, node = op.partition(":")
                if name == "draw":  # a box was changed: what is drawn now is the next step
                    self.steps.future = []
                    done = edits.Edit(focus=node)
                else:
                    self.steps.done(self.draft.copy())
                    done = edits.edit(self.draft, op, self.picker)
        self.said = documents.say(self.draft, self.picker)
        return done

    def overtaken(self, segment: Segment) -> str:
        """Return who has changed ``segment`` since the draft began, if anybody has.

        It is said once: whoever saves again knows what they replace.
        """
        newest = newest_version(segment)
        if newest is None or newest.pk == self.base:
            return ""
        self.base = newest.pk
        said = gettext(
            "%(who)s changed this segment meanwhile (version %(number)d, %(when)s). "
            "Save again to put yours in its place, or open the segment to see theirs."
        )
        return said % {
            "who": newest.created_by or gettext("Somebody else"),
            "number": newest.number,
            "when": formats.moment(newest.created_at),
        }


def newest_version(segment: Segment) -> SegmentVersion | None:
    """Return the newest version of ``segment``, shown or not."""
    return segment.versions.order_by("-number").first()


def opened(segment: Segment | None, template: Segment | None = None) -> Desk:
    """Return the desk of ``segment`` by its newest version, or of a new one made as ``template``.

    What no longer can be read is opened as text, with what is wrong with it.
    """
    picker = Picker()
    source = segment or template
    version = newest_version(source) if source else None
    definition = version.definition if version else {}
    draft, yaml, error = Draft(), "", ""
    try:
        draft = documents.draft_of(definition, picker)
    except DefinitionError as problem:
        draft = documents.draft_of({**definition, "where": {}}, picker)
        yaml, error = written(definition["where"]), problem.said(gettext)
    if segment is None:
        draft.words |= {"key": ""}
    if not draft.inc.parts and not draft.exc.parts:
        draft.inc.parts.append(drafts.Leaf(draft.new_id()))
    base = version.pk if version and segment else 0
    said = documents.say(draft, picker)
    return Desk(draft, picker, Steps(), said, yaml=yaml, yaml_error=error, base=base)


def sent(form: QueryDict) -> Desk:
    """Return the desk that a form says; raise ``DraftError`` if it is none of ours."""
    picker = Picker()
    draft = drafts.read(form)
    for leaf in draft.leaves():
        was = leaf.fields.pop("was", None)
        if was is not None and "".join(was) != leaf.kind:
            picker.choose(leaf, leaf.kind)
        elif leaf.kind not in picker.by_key and leaf.kind:
            leaf.kind, leaf.fields = "", Fields()
        elif picker.by_key and leaf.kind and picker.by_key[leaf.kind].leads_to:
            picker.choose(leaf, leaf.kind)
    past, future = (undo.unpack(form.get(name, "")) for name in ("past", "future"))
    base = whole(form.get("base", "")) or 0
    desk = Desk(draft, picker, Steps(past, future), documents.say(draft, picker), base=base)
    if "yaml" in form:
        _read_yaml(desk, form.get("yaml", ""))
    return desk


def _read_yaml(desk: Desk, text: str) -> None:
    """Put what the text says into the tree; where it says nothing, keep both and tell why."""
    desk.yaml = text.replace("\r\n", "\n").strip() or "{}"
    try:
        documents.set_yaml(desk.draft, desk.yaml, desk.picker)
    except DefinitionError as error:
        desk.yaml_error = error.said(gettext)
    desk.said = documents.say(desk.draft, desk.picker)
