"""``pusula rfm score``: everybody scored over the lake's files, into a file."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pusula.pipeline import mirror
from pusula.rfm import config as rules
from pusula.rfm import lake_purchases, scoring, versions
from pusula.rfm.purchases import Purchases
from pusula.rfm.rules import Config
from pusula.rfm.scoring import taken


def bought(day: date, config: Config) -> Purchases:
    """Return what everybody bought before ``day``, counted in a lake that is up to date."""
    return lake_purchases.purchases(mirror.run(with_history=True).history, day, config)


@click.command()
@click.option(
    "--as-of",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="Orders before 00:00 of this day count, as they stood then.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The Parquet file to write.",
)
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Rules in TOML or YAML; without them: those in force, else five quantiles each.",
)
@click.option(
    "--files",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Count these Parquet files of order versions; without: the lake, brought up to date.",
)
def score(*, day: datetime, out: Path, file: Path | None, files: Path | None) -> None:
    """Score everybody in the pool and write it to a file; nothing in Pusula changes."""
    held = versions.current()
    config = rules.read(file) if file else versions.of(held).rules if held else Config()
    if files is None:
        found = bought(day.date(), config)
    else:
        places = [str(path) for path in sorted(files.rglob("*.parquet"))]
        found = lake_purchases.purchases(places, day.date(), config)
    scores = scoring.score(
        found.keys,
        found.recency_days,
        found.frequency,
        found.monetary_minor,
        config,
        orders_ever=found.ever,
    )
    told = {
        "profile_id": taken(found.profile_ids, scores.kept),
        "recency_days": taken(found.recency_days, scores.kept).astype(np.int32),
        "frequency": taken(found.frequency, scores.kept).astype(np.int32),
        "monetary_minor": taken(found.monetary_minor, scores.kept),
        "r": scores.r,
        "f": scores.f,
        "m": scores.m,
        "rfm_group": pa.DictionaryArray.from_arrays(scores.group, list(scores.groups)),
    }
    # A dictionary of what hardly repeats is built, found useless and thrown away.
    repeats = ["frequency", "r", "f", "m", "rfm_group"]
    pq.write_table(pa.table(told), out, compression="zstd", use_dictionary=repeats)
    click.echo(json.dumps({"n_profiles": len(scores.kept), "groups": scores.group_sizes()}))
