"""Ready scenarios for hotels and shops: journeys with their messages, added as drafts."""

from pusula.journeys.packs.letters import LANGUAGES
from pusula.journeys.packs.library import (
    EXAMPLE_SITE,
    FLAVOURS,
    Pack,
    PackError,
    Scenario,
    all_packs,
    load,
)
from pusula.journeys.packs.taking import Added, Missing, add, missing, parsed

__all__ = [
    "EXAMPLE_SITE",
    "FLAVOURS",
    "LANGUAGES",
    "Added",
    "Missing",
    "Pack",
    "PackError",
    "Scenario",
    "add",
    "all_packs",
    "load",
    "missing",
    "parsed",
]
