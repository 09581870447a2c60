"""What predictions say to people: titles, sentences of cards, reasons why scores are withheld.

Each owner of a model adds its codes here; a code without words is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from babel.numbers import format_decimal
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy

from pusula.predict import behaviour_words
from pusula.predict.cards import Note

Words = Mapping[str, str | Promise]

TITLES: Words = MappingProxyType(
    {
        **behaviour_words.TITLES,
        "clv_12m": gettext_lazy("Value in 12 months"),
        "p_alive": gettext_lazy("Still a customer"),
        "expected_orders_12m": gettext_lazy("Orders in 12 months"),
        "next_best_item": gettext_lazy("Next best item"),
        "next_best_hotel": gettext_lazy("Next best hotel"),
        "next_best_region": gettext_lazy("Next best region"),
        "next_best_room": gettext_lazy("Next best room type"),
    }
)

# What a model predicts, in one sentence.
SENTENCES: Words = MappingProxyType(
    {
        **behaviour_words.SENTENCES,
        "clv_12m": gettext_lazy(
            "The net revenue expected from a customer in the coming 12 months."
        ),
        "p_alive": gettext_lazy(
            "The probability that a customer has not left for good and may order again."
        ),
        "expected_orders_12m": gettext_lazy(
            "The number of days with an order expected from a customer in the coming 12 months."
        ),
        "next_best_item": gettext_lazy(
            "Which item a customer is most likely to buy next among those they have not bought."
        ),
        "next_best_hotel": gettext_lazy(
            "Which hotel a guest is most likely to book next among those they have not been to."
        ),
        "next_best_region": gettext_lazy(
            "Which region a guest is most likely to book next among those they have not been to."
        ),
        "next_best_room": gettext_lazy(
            "Which room type a guest is most likely to book next among those they have not had."
        ),
    }
)

# How it is worked out, and the naive way beside it.
METHODS: Words = MappingProxyType(
    {
        **behaviour_words.METHODS,
        "bg_nbd": gettext_lazy("BG/NBD: orders at a rate of each customer's own until they stop"),
        "pareto_nbd": gettext_lazy(
            "Pareto/NBD: orders at a rate of each customer's own, until they leave unseen"
        ),
        "gamma_gamma": gettext_lazy(
            "expected orders times the mean value of an order (Gamma-Gamma)"
        ),
        "same_rate": gettext_lazy("everybody goes on at the rate seen so far"),
        "popularity": gettext_lazy("what most customers have, the same for everybody"),
        "together": gettext_lazy("what the same customers have beside what somebody has (cosine)"),
        "factors": gettext_lazy("customers with like tastes (implicit factorisation)"),
    }
)

METRICS: Words = MappingProxyType(
    {
        **behaviour_words.METRICS,
        "mae": gettext_lazy("Mean absolute error"),
        "rmse": gettext_lazy("Root of the mean squared error"),
        "total": gettext_lazy("Total"),
        "brier": gettext_lazy("Squared error of the probabilities (Brier)"),
        "recall_at_10": gettext_lazy("share of the purchases that stood in a list of ten"),
        "ndcg_at_10": gettext_lazy("order of the list, 100% where what is bought stands on top"),
        "first_right": gettext_lazy("customers whose first recommendation was right"),
        "hit_rate_at_10": gettext_lazy("customers with at least one right in a list of ten"),
    }
)

# What the classes of a backtest are.
ROWS: Words = MappingProxyType(
    {
        **behaviour_words.ROWS,
        "repeats": gettext_lazy("Repeat orders before"),
    }
)

# What a model must not be used for.
AVOID: Words = MappingProxyType(
    {
        **behaviour_words.AVOID,
        "single_person": gettext_lazy(
            "For a promise to a single person: it is right on average over many."
        ),
        "other_business": gettext_lazy(
            "For a time unlike the one learned from: new prices, a new market, a closed season."
        ),
        "cause": gettext_lazy(
            "For saying what a mail with it earns: many would buy it anyway. Keep a control group."
        ),
        "new_things": gettext_lazy("For things that hardly anybody has bought yet."),
    }
)

# Cautions, and reasons why scores are withheld.
NOTES: Words = MappingProxyType(
    {
        "too_few_customers": gettext_lazy(
            "There are %(n)s customers with an order; below %(needed)s nothing can be learned."
        ),
        "too_few_again": gettext_lazy(
            "%(n)s customers have ordered on a second day; below %(needed)s nothing can be learned."
        ),
        "too_short": gettext_lazy(
            "The orders reach back %(n)s days; below %(needed)s nothing can be learned."
        ),
        "no_recent_orders": gettext_lazy(
            "The last order is %(n)s days old: the data ends before the day of the prediction."
        ),
        "nobody_leaves": gettext_lazy(
            "The model takes everybody for a customer still (on average %(percent)s%%): in this "
            "data, leaving cannot be told from ordering rarely."
        ),
        "everybody_left": gettext_lazy(
            "The model takes nearly everybody for lost (still a customer: on average "
            "%(percent)s%%)."
        ),
        "vanished": gettext_lazy(
            "The parameter %(parameter)s shrinks to nothing: the model does not fit this data."
        ),
        "off": gettext_lazy(
            "On days it had not seen it was off by more than half: %(expected)s orders expected, "
            "%(came)s came."
        ),
        "no_values": gettext_lazy("No repeat order has a value above zero."),
        "infinite_value": gettext_lazy(
            "The values of orders are spread so widely that their mean cannot be told (q = %(q)s)."
        ),
        "value_depends": gettext_lazy(
            "Who orders more often spends more or less at a time (correlation %(r)s), which the "
            "model rules out."
        ),
        "left_truncated": gettext_lazy(
            "%(percent)s%% of the customers are first seen in the first 60 days of the data: "
            "probably old customers who look new. Import older orders if there are any."
        ),
        "short_history": gettext_lazy(
            "The orders reach back %(n)s days, and %(horizon)s are predicted: the rest is "
            "continued, not seen."
        ),
        "returns": gettext_lazy(
            "%(percent)s%% of the revenue came back in orders of its own with a negative amount; "
            "all values are lowered by that share."
        ),
        "too_high": gettext_lazy(
            "On days it had not seen, it expected %(percent)s%% more orders than came."
        ),
        "too_low": gettext_lazy(
            "On days it had not seen, it expected %(percent)s%% fewer orders than came."
        ),
        "naive_is_nearer": gettext_lazy(
            "On days it had not seen, the naive way was nearer to what came."
        ),
        "once_only": gettext_lazy(
            "Who has ordered on one day only has no score: nothing tells whether they will return."
        ),
        **behaviour_words.NOTES,
        "few_choices": gettext_lazy(
            "Fewer than %(least)s customers bought something new to them lately, so nobody could "
            "say whether lists are any good."
        ),
        "popularity_wins": gettext_lazy(
            "Nothing foresaw purchases better than the list of what most customers buy, so "
            "everybody gets that list without what they have."
        ),
    }
)


def title(model: str) -> str:
    """Return what people call a model or a score."""
    return said(TITLES, model)


def sentence(model: str) -> str:
    """Return what a model predicts."""
    return said(SENTENCES, model)


def note(told: Note) -> str:
    """Return a caution or a reason as one sentence, its figures written in the reader's way."""
    return said(NOTES, told.code) % {name: _figure(value) for name, value in told.values.items()}


def said(words: Words, code: str) -> str:
    """Return the words of ``code``; a code without words is shown as it is."""
    return str(words.get(code, code))


def _figure(value: Any) -> str:
    locale = (get_language() or "en").replace("-", "_")
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return format_decimal(value, format="#,##0.####", locale=locale)
    return str(value)
