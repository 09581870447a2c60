"""What a condition can ask for, as the picker lists it: title, description, editor."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from django.utils.translation import gettext

from pusula.segments import counting
from pusula.segments.language.schema import Schema
from pusula.web import titles
from pusula.web.builder.choices import Choices
from pusula.web.builder.draft import Leaf, fields_of
from pusula.web.builder.editors import (
    PURPOSE,
    ConsentEditor,
    MenuEditor,
    TraitEditor,
    YamlEditor,
)
from pusula.web.builder.fields import Fields
from pusula.web.builder.order_picks import OrderPicks
from pusula.web.builder.pick import Pick
from pusula.web.builder.rows import RowsEditor
from pusula.web.builder.scores import BucketEditor, CampaignEditor, ScoreEditor
from pusula.web.builder.sequences import SequenceEditor

YAML = "yaml"


class Picker:
    """All entries of this installation, in groups by the question that they answer."""

    def __init__(self, schema: Schema | None = None) -> None:
        self.schema = schema or counting.STORE.schema()
        self.choices = Choices()

    @cached_property
    def groups(self) -> list[tuple[str, list[Pick]]]:
        """The groups in their order, each with its entries; without those that are empty."""
        found = [
            (gettext("What they bought"), list(self._rows.bought())),
            (gettext("What they did"), list(self._did())),
            (gettext("When and how regularly"), list(self._rows.when())),
            (gettext("Who they are"), list(self._are())),
            (gettext("Permission"), list(self._permitted())),
            (gettext("Compared with others"), list(self._compared())),
            (gettext("Sets"), list(self._sets())),
            (gettext("Anything else"), [self._yaml()]),
        ]
        return [(title, picks) for title, picks in found if picks]

    @cached_property
    def by_key(self) -> dict[str, Pick]:
        """Every entry by its key."""
        return {pick.key: pick for _, picks in self.groups for pick in picks}

    def of(self, leaf: Leaf) -> Pick | None:
        """Return the entry of a condition; ``None`` if nothing is chosen, or nothing we know."""
        return self.by_key.get(leaf.kind)

    def choose(self, leaf: Leaf, key: str) -> None:
        """Make ``leaf`` ask for the entry ``key``, keeping nothing of before."""
        pick = self.by_key.get(key)
        if pick is None:
            leaf.kind, leaf.fields = "", Fields()
            return
        leaf.kind = pick.leads_to or pick.key
        leaf.fields = fields_of(pick.preset)

    def read(self, word: str, body: object) -> tuple[str, Fields]:
        """Return entry and fields for a condition of a document; as YAML where no boxes can."""
        for pick in self.by_key.values():
            if pick.word == word and not pick.leads_to:
                found = pick.editor.fields(body)
                if found is not None:
                    return pick.key, found
        return YAML, YamlEditor().fields({word: body}) or Fields()

    # -- the entries ----------------------------------------------------------------------------

    @cached_property
    def _rows(self) -> OrderPicks:
        return OrderPicks(self.schema, self.choices)

    def _did(self) -> Iterator[Pick]:
        preset: dict[str, str | list[str]] = {"op": "at_least", "v": "1", "w": "last:30 days"}
        for option in self.choices.events():
            editor = RowsEditor(self.schema, self.choices, "events", "count", name=option.value)
            hint = gettext("How often; 0 for never")
            yield Pick(f"event:{option.value}", option.words, hint, editor, "events", preset)
        editor = RowsEditor(self.schema, self.choices, "events")
        yield Pick(
            "events",
            gettext("Events, measured in any way"),
            gettext("Several events together, the last time, sums of a property"),
            editor,
            "events",
            {"m": "count", **preset},
        )
        yield self._followed()

    def _followed(self) -> Pick:
        """Return the entry for what comes after something else."""
        return Pick(
            "sequence",
            gettext("One thing after another"),
            gettext("An event, then another one, or none of it in time"),
            SequenceEditor(self.schema, self.choices),
            "sequence",
            {"op": "at_least", "v": "1", "w": "last:30 days", "s2.v": "7", "s2.u": "day"},
        )

    def _are(self) -> Iterator[Pick]:
        for name in sorted(self.schema.traits, key=titles.trait):
            if not name.startswith("rfm_"):
                yield self._trait(name, titles.trait(name), gettext("A trait of the customer"))

    def _trait(self, name: str, title: str, hint: str) -> Pick:
        return Pick(
            f"trait:{name}", title, hint, TraitEditor(self.schema, self.choices, name), "trait"
        )

    def _permitted(self) -> Iterator[Pick]:
        yield Pick(
            "consent",
            gettext("Consent"),
            gettext("What they decided about a channel"),
            ConsentEditor(self.schema),
            "consent",
        )
        yield Pick(
            "reach",
            gettext("Reachable by a channel"),
            gettext("Consent, address and blocks together"),
            ConsentEditor(self.schema, "reach"),
            "reach",
        )
        yield Pick(
            "reach!email",
            gettext("Not reachable by e-mail"),
            gettext("No consent, no address, or blocked"),
            ConsentEditor(self.schema, "reach"),
            "reach",
            {"channel": "email", "purpose": PURPOSE, "is": "unreachable"},
            leads_to="reach",
        )

    def _compared(self) -> Iterator[Pick]:
        names = {
            "rfm_group": (gettext("RFM group"), gettext("Champions, at risk, hibernating …")),
            "rfm_r": (gettext("RFM: recency"), gettext("Score from 1 to 5, 5 the most recent")),
            "rfm_f": (gettext("RFM: frequency"), gettext("Score from 1 to 5, 5 the most frequent")),
            "rfm_m": (gettext("RFM: money"), gettext("Score from 1 to 5, 5 the highest spending")),
        }
        for name, (title, hint) in names.items():
            if name in self.schema.traits:
                yield self._trait(name, title, hint)
        if self.choices.models():
            yield Pick(
                "score",
                gettext("Score of a model"),
                gettext("A predicted value, its decile or its age"),
                ScoreEditor(self.schema, self.choices),
                "score",
                {"op": "at_least", "of": "decile", "v": "9"},
            )
        yield from self._rows.compared()

    def _sets(self) -> Iterator[Pick]:
        yield Pick(
            "segment",
            gettext("In another segment"),
            gettext("Everybody who is in it now"),
            MenuEditor("segment", gettext("Segment"), self.choices.segments),
            "segment",
        )
        if self.schema.lists:
            yield Pick(
                "list",
                gettext("In an uploaded list"),
                gettext("Everybody in a list that somebody uploaded"),
                MenuEditor("list", gettext("List"), lambda: self.choices.sets("list")),
                "list",
            )
        if self.schema.campaigns:
            yield Pick(
                "campaign",
                gettext("In a campaign"),
                gettext("Chosen by a campaign, in all of it or in one arm"),
                CampaignEditor(self.choices),
                "campaign",
            )
        yield Pick(
            "bucket",
            gettext("A random share"),
            gettext("Always the same people for the same name"),
            BucketEditor(),
            "bucket",
            {"v": "0", "v2": "50"},
        )

    def _yaml(self) -> Pick:
        return Pick(
            YAML, gettext("A condition as YAML"), gettext("For what has no boxes of its own"),
            YamlEditor(), YAML,
        )  # fmt: skip
