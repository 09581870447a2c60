"""``pusula import`` and ``pusula orders`` on the command line: words, numbers, progress."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.utils import translation

from pusula.ops import imports
from pusula.ops.main import cli
from pusula.orders.models import Order
from pusula.pipeline import live
from pusula.profiles.models import Profile
from pusula.segments import actions as segments
from pusula.segments.everybody import rebuild
from pusula.segments.models import Debt, Membership
from pusula.sources.actions import KINDS, Step
from pusula.sources.mapping import FileFormat

pytestmark = pytest.mark.django_db

MAP = """
source = "pms"
[columns]
source_id = "no"
profile_key = "guest"
email = "mail"
ordered_at = "at"
status = "state"
net_amount = "net"
[filter]
state = { not = "test" }
"""
FILE = """no;guest;mail;at;state;net
1;10;;2024-01-05;completed;100
2;11;ayse@;2024-01-05;completed;100
3;12;;2024-01-05;completed;-1
4;13;;2024-01-05;test;100
"""
LEFT_OUT = "not an e-mail address; the row was loaded without it"
NEGATIVE = "a negative amount (returns = true in the mapping allows returns)"


@pytest.fixture
def bring(settings, tmp_path):
    """Return a function that types ``pusula import orders`` in English."""
    settings.PUSULA_HOME = tmp_path / "home"
    file, mapping = tmp_path / "bookings.csv", tmp_path / "MAP.toml"
    file.write_text(FILE)
    mapping.write_text(MAP)

    def bring(*options: str) -> Result:
        with translation.override("en"):
            return CliRunner().invoke(
                cli, ["import", "orders", str(file), "--map", str(mapping), *options],
                catch_exceptions=False,
            )  # fmt: skip

    return bring


def test_the_report_says_in_plain_words_what_happened(bring, tmp_path):
    rejects = tmp_path / "home" / "imports" / "dry-run-rejected.csv"
    result = bring("--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "bookings.csv: a dry run, nothing was written.",
        "4 rows read: 2 new, 0 changed, 0 as known.",
        "1 row left out by the filter of the mapping.",
        "1 row rejected.",
        "1 value left out of a row that was loaded.",
        f"  1 × mail: {LEFT_OUT} (first in line 3: “ayse@”)",
        f"  1 × net: {NEGATIVE} (first in line 4: “-1”)",
        f"All of them: {rejects}",
    ]
    assert not Order.objects.exists()


def test_the_report_is_json_for_programs(bring):
    told = json.loads(bring("--json").stdout)
    counts = {key: value for key, value in told.items() if key.startswith("n_")}
    assert counts == {
        "n_rows": 4, "n_new": 2, "n_changed": 0, "n_same": 0, "n_rejected": 1, "n_filtered": 1,
        "n_left_out": 1, "n_touched": 2, "n_merges": 0,
    }  # fmt: skip
    assert Path(told["reject_file"]).exists()


@pytest.mark.parametrize(
    ("options", "n_refreshed"), [([], 2), (["--defer"], None), (["--dry-run"], None)]
)
def test_segments_follow_for_the_touched_unless_deferred(bring, monkeypatch, options, n_refreshed):
    refreshed = []
    monkeypatch.setattr(live, "refresh", lambda ids, **_told: refreshed.append(len(ids)))
    bring(*options)
    assert refreshed == ([] if n_refreshed is None else [n_refreshed])


def test_away_from_a_terminal_progress_is_a_line_every_two_seconds(capsys, monkeypatch):
    now = iter(range(0, 100_000_000, 700_000))
    monkeypatch.setattr(imports.clock, "now", lambda: next(now))
    with translation.override("en"):
        lines = imports._Lines()
        for done in range(1, 11):
            lines.tell(Step("reading", done / 10, done * 1_000))
    told = capsys.readouterr().err.splitlines()
    assert 2 <= len(told) <= 9
    assert all(" rows, " in line and " a second · " in line and "s left" in line for line in told)
    assert told[0].startswith("Reading · ")


def test_every_field_and_option_of_a_mapping_is_documented():
    documented = Path(__file__).resolve().parents[2].joinpath("docs", "import.md").read_text()
    words = [name for kind in KINDS.values() for name in kind.fields]
    for word in [*words, *FileFormat.__dataclass_fields__, "filter", "rates", "returns"]:
        assert word in documented, f"docs/import.md does not say what {word} is"


def test_what_an_import_left_owing_is_evaluated_with_the_next(bring, monkeypatch):
    definition = {
        "segment": "bought",
        "title": {"tr": "Alan", "en": "Bought"},
        "where": {"orders": {"count": {"at_least": 1}}},
    }
    segments.apply([("bought.yaml", definition)])
    bring("--defer")
    assert not Membership.objects.exists()
    # The same file again touches nobody: only what the first one owes brings the members in.
    bring()
    assert Membership.objects.count() == Profile.objects.count() == 2
    assert not Debt.objects.exists()
    monkeypatch.setattr(rebuild, "everybody", None)  # nothing is owed any more
    bring()
