"""What this installation's definitions may speak of, and the definitions it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from django.conf import settings

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.profiles.queries import score_models, trait_kinds
from pusula.segments.language.documents import read_yaml
from pusula.segments.language.periods import read_periods, shipped_periods
from pusula.segments.language.schema import Kind, Period, Schema
from pusula.segments.models import ProfileSet, ProfileSort

PERIODS = "periods.yaml"
SUFFIXES = {".yaml", ".yml", ".json"}
# Traits that the product itself computes exist for the language before anybody has them.
COMPUTED_TRAITS = {
    "rfm_group": Kind.TEXT,
    "rfm_r": Kind.NUMBER,
    "rfm_f": Kind.NUMBER,
    "rfm_m": Kind.NUMBER,
    "lifecycle": Kind.TEXT,
    "send_hour": Kind.NUMBER,
    "next_best_item": Kind.TEXT,
    "next_best_hotel": Kind.TEXT,
    "next_best_region": Kind.TEXT,
    "next_best_room": Kind.TEXT,
    "best_channel": Kind.TEXT,
}
# So do the scores: a model that is withheld today is not a word that nobody knows.
COMPUTED_SCORES = (
    "churn",
    "clv_12m",
    "expected_orders_12m",
    "next_order_days",
    "p_alive",
    "propensity_call",
    "propensity_email",
    "propensity_sms",
    "propensity_webpush",
    "propensity_whatsapp",
)


class NoDefinitionsError(PusulaError):
    """A folder of definitions is missing or empty."""

    code = "no_definitions"


def schema() -> Schema:
    """Return the schema of this installation: its traits, sets, models, periods, money, time."""
    given = {name: Kind(kind) for name, kind in trait_kinds().items()}
    company = settings.PUSULA
    arms: dict[str, dict[str, tuple[str, ...]]] = {sort: {} for sort in ProfileSort.values}
    sets = ProfileSet.objects.order_by("sort", "key")
    for sort, key, own in sets.values_list("sort", "key", "arms"):
        arms[sort][key] = tuple(own)
    return Schema(
        currency=company.currency,
        tz=company.time_zone,
        traits=given | COMPUTED_TRAITS,
        periods=periods(),
        lists=tuple(arms[ProfileSort.LIST]),
        campaigns=arms[ProfileSort.CAMPAIGN],
        models=tuple(sorted({*score_models(), *COMPUTED_SCORES})),
    )


def periods() -> Mapping[str, Period]:
    """Return the named periods: those shipped, and those of ``periods.yaml`` in the home folder.

    One of the home folder replaces the shipped one of its name.
    """
    file = settings.PUSULA_HOME / PERIODS
    own = read_periods(read_yaml(file.read_text(encoding="utf-8"))) if file.is_file() else {}
    return {**shipped_periods(), **own}


def read_folder(folder: Path) -> list[tuple[str, object]]:
    """Return (file name, document) of every definition in ``folder``, by name."""
    files = sorted(f for f in folder.glob("*") if f.suffix in SUFFIXES) if folder.is_dir() else []
    if not files:
        raise NoDefinitionsError(
            Saying("%(folder)s: no folder with definitions (*.yaml) in it", {"folder": folder})
        )
    return [(file.name, read_yaml(file.read_text(encoding="utf-8"))) for file in files]


def shipped() -> list[tuple[str, object]]:
    """Return (file name, document) of the definitions that come with the program."""
    files: Iterable[Path] = (
        Path(str(entry)) for entry in resources.files("pusula.segments.definitions").iterdir()
    )
    return [
        (file.name, read_yaml(file.read_text(encoding="utf-8")))
        for file in sorted(files)
        if file.suffix in SUFFIXES
    ]
