"""Model cards: what a model predicts, how well it did on days it had not seen, and its limits.

Words stand here as codes; ``predict.words`` says them in the reader's language.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec

Value = int | float | str | None  # days as ISO text


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sentence by its code, and the figures in it."""

    code: str
    values: dict[str, Value] = {}


class Metric(msgspec.Struct, frozen=True):
    """A figure of the validation: of the model, and of the honest baseline beside it.

    ``aim``: lower or higher is better, or near ``target`` (what really happened). ``None`` where a
    side has no such figure.
    """

    name: str
    model: float | None
    baseline: float | None
    aim: Literal["lower", "higher", "near"] = "lower"
    target: float | None = None

    @property
    def is_better(self) -> bool | None:
        """Say whether the model beats the baseline; ``None`` where they cannot be compared."""
        if self.model is None or self.baseline is None:
            return None
        if self.aim == "higher":
            return self.model > self.baseline
        if self.aim == "lower":
            return self.model < self.baseline
        if self.target is None:
            return None
        return abs(self.model - self.target) < abs(self.baseline - self.target)


class Bin(msgspec.Struct, frozen=True):
    """Customers with like predictions: the mean predicted, the mean observed, how many."""

    predicted: float
    observed: float
    n: int


class Row(msgspec.Struct, frozen=True):
    """A class of customers in the backtest: means of what came, and of what was expected."""

    name: str  # "0", "1", ... "7+" orders; a tenth; what the card's ``rows_by`` says
    n: int
    observed: float
    model: float
    baseline: float | None = None


class Window(msgspec.Struct, frozen=True):
    """The days of the validation: trained before ``from_on``, compared up to ``until_on``."""

    from_on: date
    until_on: date  # the first day that was not looked at


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a person must know before acting on a model's scores."""

    model: str
    method: str  # code of how it is worked out
    baseline: str = ""  # code of the naive way beside it
    as_of_on: date
    n_trained: int
    horizon_days: int | None = None
    window: Window | None = None
    n_validated: int = 0
    metrics: tuple[Metric, ...] = ()
    calibration: tuple[Bin, ...] = ()
    rows_by: str = ""  # code of what the classes of ``backtest`` are
    backtest: tuple[Row, ...] = ()
    avoid: tuple[str, ...] = ()  # codes of what it must not be used for
    notes: tuple[Note, ...] = ()  # cautions: the model is published all the same
    withheld: Note | None = None  # why it gives no scores

    def metric(self, name: str) -> Metric | None:
        """Return the metric called ``name``, if the card has it."""
        return next((metric for metric in self.metrics if metric.name == name), None)


def as_json(card: Card) -> dict[str, Any]:
    """Return a card as plain values that ``parse`` reads back."""
    plain: dict[str, Any] = msgspec.to_builtins(card)
    return plain


def parse(data: Any) -> Card:
    """Return the card of plain values."""
    return msgspec.convert(data, Card)
