"""``pusula predict taste`` and ``together``: ways to recommend compared, and pairs of things."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import click
from django.conf import settings
from django.utils.translation import gettext
from rich import box
from rich.console import Console
from rich.table import Table

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops.figures import number, percent
from pusula.predict import bought, queries, recommendations, tastes, words
from pusula.predict.bought import Kind
from pusula.predict.taste import baskets, choice
from pusula.predict.taste.baskets import Pair
from pusula.predict.taste.choice import Trial

_DAY = click.DateTime(["%Y-%m-%d"])


class TooLittleError(PusulaError):
    """Nothing can be said about these days: nobody bought anything new in them."""

    code = "nothing_to_compare"


@click.command()
@click.option(
    "--train-end",
    "from_day",
    type=_DAY,
    required=True,
    help="What was bought before 00:00 of this day is learned from.",
)
@click.option(
    "--test-end",
    "until_day",
    type=_DAY,
    required=True,
    help="What was bought from then to before 00:00 of this day is to be foreseen.",
)
@click.option(
    "--model",
    type=click.Choice(tastes.MODELS),
    default=tastes.MODELS[0],
    show_default=True,
    help="What kind of thing is recommended.",
)
@click.option(
    "--least-owners",
    type=click.IntRange(min=1),
    default=choice.LEAST_OWNERS,
    show_default=True,
    help="Things that fewer customers have are left out.",
)
@click.option(
    "--longest-code",
    type=click.IntRange(min=1),
    help="Things with a longer code (postage, fees) are left out of the lists.",
)
@click.option(
    "--least-baskets",
    type=click.IntRange(min=1),
    default=baskets.LEAST_BASKETS,
    show_default=True,
    help="Pairs are shown of things that are in so many orders.",
)
@click.option("--pairs", "n_pairs", type=click.IntRange(min=0), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")
def taste(
    *,
    from_day: datetime,
    until_day: datetime,
    model: str,
    least_owners: int,
    longest_code: int | None,
    least_baskets: int,
    n_pairs: int,
    as_json: bool,
) -> None:
    """Compare the ways to recommend on days that they have not seen; nothing is kept.

    A list of ten things that a customer does not have yet is held against what they bought new to
    them. Also shown: what is bought together, in all orders before --test-end.
    """
    zone = settings.PUSULA.time_zone
    from_at, until_at = (clock.start_of(day.date(), zone) for day in (from_day, until_day))
    kind = next(kind for kind in bought.KINDS if kind.model == model)
    found = _measured(kind, from_at, until_at, least_owners, longest_code)
    counts = baskets.counted(kind.lines(until_at), least_baskets=least_baskets)
    pairs = baskets.top_pairs(counts, n_pairs)
    if as_json:
        document = {
            **_plain(model, found),
            "baskets": counts.n_baskets,
            "items_in_pairs": len(counts.codes),
            "pairs": baskets.as_rows(pairs),
        }
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    _show(found)
    _show_pairs(pairs, kind)


@click.command()
@click.option(
    "--model",
    type=click.Choice(tastes.MODELS),
    default=tastes.MODELS[0],
    show_default=True,
    help="What kind of thing.",
)
@click.option("--code", help="Only what is bought with this thing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")
def together(*, model: str, code: str | None, as_json: bool) -> None:
    """Show what is bought in one order with each thing, as the last run of predictions found it.

    For the pages of a shop and for cross-selling: up to six for each thing, the most frequent
    first, only pairs that are together more often than chance would have it.
    """
    version = queries.current(model)
    found = list(recommendations.pairs(version, code)) if version else []
    if as_json:
        told = [
            {
                "with": one.with_code,
                "with_name": one.with_name,
                "code": one.code,
                "name": one.name,
                "together": one.together,
                "support": one.support,
                "confidence": one.confidence,
                "lift": one.lift,
            }
            for one in found
        ]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for heading in (gettext("With"), gettext("Bought together")):
        table.add_column(heading)
    for heading in (gettext("Orders"), "%", gettext("Lift")):
        table.add_column(heading, justify="right")
    for one in found:
        figures = (number(one.together), percent(one.confidence), number(one.lift, 1))
        table.add_row(one.with_name, one.name, *figures)
    Console().print(table)


def _measured(
    kind: Kind, from_at: int, until_at: int, least_owners: int, longest_code: int | None
) -> Trial:
    before = kind.lines(from_at, longest_code=longest_code)
    later = kind.lines(until_at, longest_code=longest_code).between(from_at, until_at)
    found = choice.measure(before, later, least_owners)
    if found is None:
        raise TooLittleError(
            gettext("In these days too few customers bought anything new to them: take others.")
        )
    return found


def _plain(model: str, found: Trial) -> dict[str, Any]:
    return {
        "model": model,
        "users_in_train": found.n_known,
        "items": found.n_things,
        "chosen": found.chosen,
        "methods": {
            method: {
                "users": quality.n_people,
                "recall_at_10_capped": quality.recall,
                "ndcg_at_10": quality.ndcg,
                "hit_rate_at_10": quality.hit_rate,
            }
            for method, quality in found.whole.items()
        },
    }


def _show(found: Trial) -> None:
    table = Table(
        title=gettext("%(n)s customers, %(things)s things")
        % {"n": number(found.n_people), "things": number(found.n_things)},
        caption=gettext("Chosen: %(method)s") % {"method": words.said(words.METHODS, found.chosen)},
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
    )
    table.add_column(gettext("Method"))
    for heading in (gettext("Recall"), "NDCG", gettext("Hit rate")):
        table.add_column(heading, justify="right")
    for method, quality in found.whole.items():
        figures = (quality.recall, quality.ndcg, quality.hit_rate)
        table.add_row(words.said(words.METHODS, method), *(percent(each) for each in figures))
    Console().print(table)


def _show_pairs(pairs: list[Pair], kind: Kind) -> None:
    if not pairs:
        return
    names = kind.names()
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column(gettext("Bought together"))
    for heading in (gettext("Orders"), "%", gettext("Lift")):
        table.add_column(heading, justify="right")
    for pair in pairs:
        both = f"{names.get(pair.a, pair.a)} + {names.get(pair.b, pair.b)}"
        table.add_row(both, number(pair.together), percent(pair.support), number(pair.lift, 1))
    Console().print(table)
