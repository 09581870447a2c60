"""How often strangers and people agree: measured on the records, and tempered by what is known."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from pusula.profiles.linkage import model

_SEED = 7
_SAMPLE = 2_000_000  # pairs of strangers from which chance agreement is estimated
_ENOUGH = 200  # pairs to learn from; with fewer the shares of the model stay
_LEARNED = 0.5  # of one person's records at least this share agrees, or it learned something else
Settings = dict[str, Any]  # Splink's


def fingerprint(columns: Sequence[str]) -> str:
    """Return what a trained model is made of: with another one everybody is compared anew."""
    parts = [
        model.comparisons(columns), model.blocks(columns), model.SINGULAR, model.HOLDERS,
        model.MOST_IN_BLOCK, model.CERTAIN, model.PROPOSED, _SEED, _SAMPLE, _ENOUGH, _LEARNED,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def trained(db: duckdb.DuckDBPyConnection, columns: Sequence[str], n: int) -> Settings:
    """Return how often strangers in ``people`` agree, and if it can be seen, people."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    people = DuckDBAPI(db).register("people")
    linker = _linker(people, _settings(columns, n))
    linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLE, seed=_SEED)
    told = _complete(linker.misc.save_model_to_json(), n)
    linker = _linker(people, told)
    for rule in model.TRAINING:
        if set(rule) <= set(columns) and _pairs_of(db, rule) >= _ENOUGH:
            linker.training.estimate_parameters_using_expectation_maximisation(
                block_on(*rule), max_pairs=_SAMPLE, record_sample_proportion=1.0
            )
    learned = linker.misc.save_model_to_json()
    return _tempered(told, learned) if _is_of_people(learned) else told


def _complete(settings: Mapping[str, Any], n: int) -> Settings:
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


def _tempered(told: Mapping[str, Any], learned: Mapping[str, Any]) -> Settings:
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


def _linker(people: Any, settings: SettingsCreator | Settings) -> Linker:
    return Linker(people, settings, log_level=None, validate_settings=False)


def _settings(columns: Sequence[str], n: int) -> Settings:
    """Return what Splink is told; beforehand everybody is thought to be there twice or less."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "id",
        "comparisons": model.comparisons(columns),
        "blocking_rules_to_generate_predictions": [
            block_on(*rule).create_blocking_rule_dict("duckdb") for rule in model.blocks(columns)
        ],
        "probability_two_random_records_match": 1 / n,
        "retain_intermediate_calculation_columns": False,
        "retain_matching_columns": False,
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
