"""How likely a person reacts to the next message on a channel, from all that were sent before.

An example is a message as its person was known the moment it left; it came true if the person
reacted within some days. The newest messages are kept aside to judge what the older ones taught.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from pusula.predict import quality
from pusula.predict.cards import Card, Note, Row, Window
from pusula.predict.learning import scorecard
from pusula.predict.learning.churn import metrics, tenths
from pusula.predict.learning.messages import DAY, NEVER, SECOND, Touches, features, no_touches
from pusula.predict.learning.scorecard import Scorecard
from pusula.predict.training import Orders, Scores, Trained, TraitValues

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CHANNELS = ("email", "sms", "whatsapp", "call", "webpush")
WRITTEN = tuple(channel for channel in CHANNELS if channel != "call")
BEST = "best_channel"
METHOD, OWN_RATE, BASE_RATE = "scorecard", "own_rate", "base_rate"
WINDOW_DAYS = 7  # who has not reacted by then, has not
LEAST_PEOPLE = 300
LEAST_OF_A_KIND = 50
MOST_EXAMPLES = 200_000
# Evidence that a person uses a channel: so many messages, and a reaction to one of them.
LEAST_MESSAGES = 3
_KEPT_ASIDE = 0.25  # of the messages, the newest
_AVOID = ("single_person", "comes_by_itself", "without_consent")
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Learned:
    """What came of one channel: the training, and how many messages and reactions people have."""

    trained: Trained
    people: Ints
    n_messages: Ints
    n_reactions: Ints
    chance: Floats


def train(
    touches: Mapping[str, Touches], orders: Orders, as_of_on: date, at: int
) -> Iterable[Trained]:
    """Return a model for each channel as of the moment ``at``, and the best channel of people.

    ``touches`` by channel and ``orders`` hold only what was known at ``at``.
    """
    learned = {
        channel: _channel(channel, touches.get(channel, no_touches()), orders, as_of_on, at)
        for channel in CHANNELS
    }
    yield from (each.trained for each in learned.values())
    yield _best(learned, as_of_on)


@dataclass(frozen=True)
class _Told:
    """Messages whose outcome is known, by time: who, when, and whether they reacted in time."""

    people: Ints
    sent_at: Ints
    reacted: Bools

    def only(self, chosen: Bools | slice) -> _Told:
        return _Told(self.people[chosen], self.sent_at[chosen], self.reacted[chosen])


def _told(of: Touches, at: int) -> _Told:
    """Return the messages whose days to react were over at the moment ``at``."""
    days = WINDOW_DAYS * DAY * SECOND
    order = np.lexsort((of.people, of.sent_at))
    order = order[of.sent_at[order] + days <= at]
    sent_at, reacted_at = of.sent_at[order], of.reacted_at[order]
    in_time = (reacted_at != NEVER) & (reacted_at < sent_at + days)
    return _Told(of.people[order], sent_at, in_time)


def _channel(channel: str, past: Touches, orders: Orders, as_of_on: date, at: int) -> Learned:
    model = f"propensity_{channel}"
    told = _told(past, at)
    n_people = len(np.unique(told.people))
    if n_people < LEAST_PEOPLE:
        reason = Note("too_few_messaged", {"n": n_people, "least": LEAST_PEOPLE})
        return _nothing(_withheld(model, as_of_on, n_people, reason))
    split = int(told.sent_at[int(len(told.people) * (1 - _KEPT_ASIDE))])
    is_old = told.sent_at < split - WINDOW_DAYS * DAY * SECOND
    learned, test = told.only(is_old), told.only(told.sent_at >= split)
    rarer = min(_rarer(learned.reacted), _rarer(test.reacted))
    if rarer < LEAST_OF_A_KIND:
        reason = Note("too_few_of_a_kind", {"n": rarer, "least": LEAST_OF_A_KIND})
        return _nothing(_withheld(model, as_of_on, n_people, reason))
    card = _card(model, learned, test, past, orders, as_of_on)
    if card.withheld:
        return _nothing(Trained(model, {}, card))
    common = float(told.reacted.mean())
    fitted = _fit(told, past, orders, common)
    people, n_messages = np.unique(past.people, return_counts=True)
    now = features(people, np.full(len(people), at), past, orders, common)
    chance = fitted.chance(now)
    parameters = {
        "window_days": WINDOW_DAYS,
        "common": common,
        "scorecard": scorecard.as_json(fitted),
    }
    trained = Trained(model, parameters, card, Scores(people, chance))
    reactions = np.bincount(
        np.searchsorted(people, past.people), past.reacted_at != NEVER, len(people)
    )
    return Learned(trained, people, n_messages, reactions.astype(np.int64), chance)


def _fit(told: _Told, past: Touches, orders: Orders, common: float, *names: str) -> Scorecard:
    """Learn from messages; by some features alone if any are named."""
    some = told.only(slice(None, None, -(-len(told.people) // MOST_EXAMPLES)))
    known = features(some.people, some.sent_at, past, orders, common)
    chosen = {name: known[name] for name in names or known}
    return scorecard.fit(chosen, some.reacted)


def _card(  # noqa: PLR0917 - what is known, in order
    model: str, learned: _Told, test: _Told, past: Touches, orders: Orders, as_of_on: date
) -> Card:
    """Return the card: what the older messages taught, tried on the newest, beside the own rate."""
    common = float(learned.reacted.mean())
    known = features(test.people, test.sent_at, past, orders, common)
    chance = _fit(learned, past, orders, common).chance(known)
    own_rate = _fit(learned, past, orders, common, "rate").chance(known)
    base = quality.log_loss(np.full(len(test.reacted), common), test.reacted)
    found, beside = (quality.quality(each, test.reacted) for each in (chance, own_rate))
    first_on = date.fromordinal(_EPOCH + int(test.sent_at[0] // SECOND // DAY))
    return Card(
        model=model,
        method=METHOD,
        baseline=OWN_RATE,
        as_of_on=as_of_on,
        n_trained=len(learned.people),
        horizon_days=WINDOW_DAYS,
        window=Window(first_on, as_of_on),
        n_validated=len(test.people),
        metrics=metrics(found, beside),
        calibration=tuple(quality.calibration(chance, test.reacted)),
        rows_by="tenth",
        backtest=tenths(chance, own_rate, test.reacted),
        avoid=_AVOID,
        notes=(Note("reaction_days", {"days": WINDOW_DAYS}),),
        withheld=Note("no_better_than_guessing") if found.log_loss >= base else None,
    )


def _best(learned: Mapping[str, Learned], as_of_on: date) -> Trained:
    """Return the channel with the highest chance of each person who has shown to use it.

    A call that was answered is no click: calls count only where nothing written is known.
    """
    written = _highest({channel: learned[channel] for channel in WRITTEN})
    called = _highest({"call": learned["call"]})
    best = {**called, **written}
    people = np.array(sorted(best), np.int64)
    names = np.array([best[who] for who in people.tolist()], dtype=object)
    reason = None if any(each.trained.scores for each in learned.values()) else Note("no_channel")
    card = Card(
        model=BEST,
        method="highest_propensity",
        as_of_on=as_of_on,
        n_trained=len(people),
        rows_by="channel",
        backtest=tuple(
            Row(
                name=channel,
                n=int((names == channel).sum()),
                observed=float((each.n_reactions / np.maximum(each.n_messages, 1)).mean()),
                model=float(each.chance.mean()),
            )
            for channel, each in learned.items()
            if len(each.people)
        ),
        avoid=_AVOID,
        notes=(Note("least_messages", {"least": LEAST_MESSAGES}),),
        withheld=reason,
    )
    return Trained(BEST, {}, card, traits=(TraitValues(BEST, "text", people, names),))


def _highest(learned: Mapping[str, Learned]) -> dict[int, str]:
    """Return the channel with the highest chance by person, where there is evidence of its use."""
    best: dict[int, tuple[float, str]] = {}
    for channel, each in learned.items():
        is_used = (each.n_messages >= LEAST_MESSAGES) & (each.n_reactions > 0)
        rows = zip(each.people[is_used].tolist(), each.chance[is_used].tolist(), strict=True)
        for who, chance in rows:
            if who not in best or chance > best[who][0]:
                best[who] = (chance, channel)
    return {who: channel for who, (_, channel) in best.items()}


def _rarer(came: Bools) -> int:
    n = int(came.sum())
    return min(n, len(came) - n)


def _nothing(trained: Trained) -> Learned:
    none = np.empty(0, np.int64)
    return Learned(trained, none, none, none, np.empty(0))


def _withheld(model: str, as_of_on: date, n: int, reason: Note) -> Trained:
    card = Card(
        model=model,
        method=METHOD,
        baseline=OWN_RATE,
        as_of_on=as_of_on,
        n_trained=n,
        horizon_days=WINDOW_DAYS,
        avoid=_AVOID,
        withheld=reason,
    )
    return Trained(model, {}, card)
