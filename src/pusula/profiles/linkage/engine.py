"""From records to pairs that may be one person, each with what speaks for and against it.

Two nulls of one comparison (a value that is missing, an exchanged family name) both weigh nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from pusula.profiles.linkage import model
from pusula.profiles.linkage.pair import Agreement, Pair

_SEED = 7
_SAMPLE = 2_000_000  # pairs of strangers from which chance agreement is estimated
_ENOUGH = 200  # pairs to learn from; with fewer the shares of the model stay
_LEARNED = 0.5  # of one person's records at least this share agrees, or it learned something else
_DECIDING = ("given", "born", "national", "document")
_NAMED = frozenset({model.SAME, model.SWAPPED})
_BATCH = 10_000


def link(
    records: pa.Table,
    *,
    least: float = model.PROPOSED,
    memory: str = "1GB",
    folder: Path | None = None,
) -> Iterator[Pair]:
    """Yield the pairs of ``records`` that weigh at least ``least``, in the order of their numbers.

    Those that share a number of ``model.ALWAYS`` come whatever else they say.

    ``records``: ``id`` (int64, unique) and any of ``model.FIELDS`` (string). DuckDB takes at most
    ``memory`` and then goes on in ``folder``. The same records give the same pairs.
    """
    columns = [f for f in model.FIELDS if f in records.column_names and _says_something(records, f)]
    rules = model.blocks(columns)
    if records.num_rows < 2 or not rules:  # noqa: PLR2004  a pair takes two
        return
    with duckdb.connect(config=_limits(memory, folder)) as db:
        db.register("told", records)
        db.execute(_cleaned(columns))
        linker = _trained(db, columns, rules, records.num_rows)
        pairs = linker.inference.predict()
        named = {field: _weighed(field, columns) for field in columns}
        same = [f"gamma_{field} = 1" for field in model.ALWAYS if field in columns]
        asked = " or ".join([f"match_weight >= {least}", *same])
        found = db.sql(f"select * from {pairs.physical_name} where {asked} order by id_l, id_r")
        for batch in found.to_arrow_reader(_BATCH):
            for row in batch.to_pylist():
                yield _pair(row, columns, named)


def _says_something(records: pa.Table, field: str) -> bool:
    return bool(records[field].null_count < records.num_rows)


def _limits(memory: str, folder: Path | None) -> dict[str, Any]:
    limits: dict[str, Any] = {"memory_limit": memory, "threads": 1}
    return limits if folder is None else limits | {"temp_directory": str(folder)}


def _cleaned(columns: list[str]) -> str:
    """Return the statement that makes the table of records: nothing in it is known to be shared.

    One blank document on thousands of guests, an agency's address: a value of many names says
    nothing of anybody.
    """
    name = " || ' ' || ".join(f"coalesce({c}, '')" for c in ("given", "family") if c in columns)
    said = [_unshared(c, name or "id") if c in model.SINGULAR else c for c in columns]
    derived = [f"{sql} as {c}" for c, (of, sql) in model.DERIVED.items() if of in columns]
    kept = ", ".join(["id", *said])
    more = ", ".join(["*", *derived])
    return f"create table people as select {more} from (select {kept} from told) order by id"


def _unshared(column: str, name: str) -> str:
    held = (
        f"select {column} from told where {column} is not null group by {column}"
        f" having count(distinct {name}) > {model.HOLDERS}"
    )
    return f"case when {column} not in ({held}) then {column} end as {column}"


def _trained(
    db: duckdb.DuckDBPyConnection, columns: list[str], rules: list[tuple[str, ...]], n: int
) -> Linker:
    """Return the linker that knows how often strangers agree, and if it can be seen, people."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    people = DuckDBAPI(db).register("people")
    linker = _linker(people, _settings(columns, rules, n))
    linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLE, seed=_SEED)
    told = _complete(linker.misc.save_model_to_json(), n)
    linker = _linker(people, told)
    for rule in model.TRAINING:
        if set(rule) <= set(columns) and _pairs_of(db, rule) >= _ENOUGH:
            linker.training.estimate_parameters_using_expectation_maximisation(
                block_on(*rule), max_pairs=_SAMPLE, record_sample_proportion=1.0
            )
    learned = linker.misc.save_model_to_json()
    return _linker(people, _tempered(told, learned) if _is_of_people(learned) else told)


def _complete(settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Return the model with a chance also for what was never seen between strangers."""
    rarest = 2 / (n * n)
    comparisons = [
        comparison
        | {
            "comparison_levels": [
                level | {"u_probability": max(level.get("u_probability") or 0.0, rarest)}
                if "m_probability" in level
                else level
                for level in comparison["comparison_levels"]
            ]
        }
        for comparison in settings["comparisons"]
    ]
    return {**settings, "comparisons": comparisons}


def _tempered(told: Mapping[str, Any], learned: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model half as told and half as learned.

    What is learned from those who agree in much knows too little of those who differ.
    """
    comparisons = []
    for before, after in zip(told["comparisons"], learned["comparisons"], strict=True):
        levels = [
            level | {"m_probability": (level["m_probability"] + new["m_probability"]) / 2}
            if "m_probability" in new
            else level
            for level, new in zip(
                before["comparison_levels"], after["comparison_levels"], strict=True
            )
        ]
        comparisons.append(before | {"comparison_levels": levels})
    return {**told, "comparisons": comparisons}


def _linker(people: Any, settings: SettingsCreator | dict[str, Any]) -> Linker:
    return Linker(people, settings, log_level=None, validate_settings=False)


def _settings(columns: list[str], rules: list[tuple[str, ...]], n: int) -> dict[str, Any]:
    """Return what Splink is told; beforehand everybody is thought to be there twice or less."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "id",
        "comparisons": model.comparisons(columns),
        "blocking_rules_to_generate_predictions": [
            block_on(*rule).create_blocking_rule_dict("duckdb") for rule in rules
        ],
        "probability_two_random_records_match": 1 / n,
        "retain_intermediate_calculation_columns": True,
        "retain_matching_columns": True,
    }


def _pairs_of(db: duckdb.DuckDBPyConnection, rule: tuple[str, ...]) -> int:
    there = " and ".join(f"{c} is not null" for c in rule)
    found = db.execute(
        f"select coalesce(sum(n * (n - 1)) / 2, 0) from (select count(*) n from people"
        f" where {there} group by {', '.join(rule)})"
    ).fetchall()
    return int(found[0][0])


def _is_of_people(settings: Mapping[str, Any]) -> bool:
    """Say whether what was learned can be people met twice, not families or namesakes."""
    told = (comparison["comparison_levels"] for comparison in settings["comparisons"])
    same = [one for levels in told for one in levels if one["label_for_charts"] == model.SAME]
    return all(one.get("m_probability", 0.0) >= _LEARNED for one in same)


def _weighed(field: str, columns: list[str]) -> list[str]:
    """Return the levels of a field that weigh something, numbered as Splink does: from below."""
    named = {"given", "family"} <= set(columns)
    return [level.name for level in model.levels(field, named=named) if level.m is not None][::-1]


def _pair(row: Mapping[str, Any], columns: list[str], named: Mapping[str, list[str]]) -> Pair:
    fields = {}
    for field in columns:
        gamma = row[f"gamma_{field}"]
        level = model.MISSING if gamma < 0 else named[field][gamma]
        weight = (row[f"mw_{field}"] or 0.0) + (row.get(f"mw_tf_adj_{field}") or 0.0)
        fields[field] = Agreement(level, round(weight, 1) + 0.0)
    if "family" in fields and fields.get("given") and fields["given"].level == model.SWAPPED:
        fields["family"] = Agreement(model.SWAPPED, 0.0)
    weight = round(row["match_weight"], 2)
    return Pair(row["id_l"], row["id_r"], weight, fields, _is_certain(weight, fields))


def _is_certain(weight: float, fields: Mapping[str, Agreement]) -> bool:
    """Say whether a pair may be merged unseen.

    Twins share all but their given names, father and son all but the day of birth; so the name must
    be the same to the letter, nothing that decides may differ, and something must be one person's.
    """
    level = {field: agreement.level for field, agreement in fields.items()}
    name = level.get("given", model.MISSING)
    if name == model.MISSING:
        name = level.get("family", model.MISSING)
    proof = any(level.get(field) == model.SAME for field in ("born", *model.SINGULAR))
    parts = any(level.get(f) in {model.DIFFERS, model.ALIKE} for f in _DECIDING)
    return weight >= model.CERTAIN and name in _NAMED and proof and not parts
