"""``pusula identity``: customers made one and two again from the command line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from django.utils import translation

from pusula.lib.errors import PusulaError
from pusula.ops.identity import identity
from pusula.pipeline import live
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Identifier, Merge, Profile

pytestmark = pytest.mark.django_db(databases=["default", "log"])


@pytest.fixture
def couple() -> list[int]:
    found = []
    for number in ("1", "2"):
        profile = Profile.objects.create(first_name=f"No {number}", created_at=1, recorded_at=1)
        Identifier.objects.create(
            profile=profile, kind="key", value=f"pms:{number}", source="pms", recorded_at=1
        )
        found.append(profile.pk)
    return found


def run(*words: object) -> str:
    with translation.override("en"):
        result = CliRunner().invoke(identity, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_two_customers_become_one_and_two_again(couple):
    winner, loser = couple
    assert "next step" in run("merge", winner, loser, "--note", "same passport")
    live.step()
    told = json.loads(run("show", loser, "--json"))
    assert told["customer"] == winner, "the old number leads on"
    assert {row["of"] for row in told["identifiers"]} == set(couple)
    [merge] = told["merges"]
    assert merge["evidence"] == {"note": "same passport"}
    assert merge["actor"].startswith("cli:")
    assert "already" in run("merge", winner, loser)
    run("unmerge", merge["merge"], "--note", "two people")
    live.step()
    assert "undone" in run("show", winner)
    assert Profile.objects.filter(pk=loser).exists()
    assert Merge.objects.get().undone_reason == "two people"
    verbs = AuditEntry.objects.order_by("pk").values_list("verb", "object")
    assert list(verbs) == [
        ("profile.merged", f"customer:{loser}"), ("profile.unmerged", f"customer:{loser}"),
    ]  # fmt: skip


def test_numbers_that_nobody_has_are_named(couple):
    with pytest.raises(PusulaError, match="999"):
        run("merge", couple[0], 999)
    with pytest.raises(PusulaError, match="no merge 7"):
        run("unmerge", 7)
