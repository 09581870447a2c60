"""``pusula segments``: definitions as files, planned, applied and written back."""

import json

import pytest
from click.testing import CliRunner
from django.utils import translation

from pusula.campaigns.models import Campaign
from pusula.journeys.models import Journey, JourneyVersion
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops.segments import segments
from pusula.orders.models import Order
from pusula.profiles.models import Profile
from pusula.segments import catalog, queries
from pusula.segments.language import read_yaml
from pusula.segments.models import Segment, SegmentVersion
from pusula.segments.publishing import export

pytestmark = pytest.mark.django_db

NOW = 1_780_000_000_000_000
REGULARS = """\
segment: regulars
title: {tr: Sık gelenler, en: Regulars}
where:
  orders: {count: {at_least: 2}, where: {status: {is: completed}}}
"""
FOLLOWERS = """\
segment: not-regulars
title: {tr: Diğerleri, en: The others}
where:
  not: {segment: regulars}
"""


@pytest.fixture(autouse=True)
def guests(monkeypatch):
    """Elif has ordered once, Ali twice, Can three times."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    for n, name in enumerate(("Elif", "Ali", "Can"), 1):
        profile = Profile.objects.create(first_name=name, created_at=0, recorded_at=0)
        for k in range(n):
            Order.objects.create(
                profile=profile, source="shop", source_id=f"{n}-{k}", status="completed",
                ordered_at=NOW - clock.DAY - k, status_at=0, currency="TRY", gross_minor=100,
                net_minor=100, gross_base_minor=100, net_base_minor=100, recorded_at=0,
            )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "regulars.yaml").write_text(REGULARS, encoding="utf-8")
    (tmp_path / "others.yaml").write_text(FOLLOWERS, encoding="utf-8")
    return tmp_path


def call(*words, status=0, answer=None, language="en"):
    with translation.override(language):
        result = CliRunner().invoke(segments, [str(word) for word in words], input=answer)
    if isinstance(result.exception, PusulaError):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.output


def change(folder, before, after):
    file = folder / "regulars.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


def size(key="regulars"):
    return Segment.objects.get(key=key).n_members


def test_plan_says_who_would_enter_and_leave_and_changes_nothing(folder):
    said = call("plan", folder)
    assert "+ regulars" in said
    assert "2 customers; 2 would enter, 0 would leave" in said
    assert "2 new" in said
    assert not Segment.objects.exists()
    call("apply", folder, "--yes")
    change(folder, "at_least: 2", "at_least: 3")
    said = call("plan", folder)
    assert "~ regulars" in said
    assert "1 customer; 0 would enter, 1 would leave" in said
    assert "> not-regulars" in said
    assert "2 customers; 1 would enter, 0 would leave" in said
    assert size() == 2


def test_plan_says_the_old_and_the_new_meaning_in_plain_words(folder):
    call("apply", folder, "--yes")
    change(folder, "at_least: 2", "at_least: 3")
    said = call("plan", folder)
    assert "before: Has at least 2 completed" in said
    assert "after: Has at least 3 completed" in said
    document = json.loads(call("plan", folder, "--json"))
    entry = next(e for e in document["segments"] if e["segment"] == "regulars")
    assert entry["before"]["tr"] != entry["after"]["tr"]
    assert (entry["n_members"], entry["n_entering"], entry["n_leaving"]) == (1, 0, 1)
    assert len(entry["leaving"]) == 1


def test_plan_can_end_with_a_status_that_says_whether_something_would_change(folder):
    call("plan", folder)
    call("plan", folder, "--exit-code", status=2)
    call("apply", folder, "--yes")
    assert "Nothing would change." in call("plan", folder, "--exit-code")


def test_apply_shows_the_plan_and_asks(folder):
    said = call("apply", folder, answer="n\n", status=1)
    assert "2 would enter" in said
    assert not Segment.objects.exists()
    said = call("apply", folder, answer="y\n")
    assert "regulars: 2 entered, 0 left" in said
    assert (size(), size("not-regulars")) == (2, 1)


def test_members_can_be_left_to_the_next_run(folder):
    call("apply", folder, "--later")
    assert Segment.objects.get(key="regulars").version is None
    assert "~ regulars" in call("plan", folder)


def test_a_saved_plan_is_applied_if_nothing_changed_since(folder, tmp_path):
    plan = tmp_path / "plan.json"
    call("plan", folder, "--out", plan)
    (folder / "regulars.yaml").unlink()
    call("apply", "--plan", plan, "--yes")
    assert size() == 2
    with pytest.raises(PusulaError, match="make a new one"):
        call("apply", "--plan", plan, "--yes")


def test_a_segment_missing_in_the_folder_stays_unless_pruned(folder):
    call("apply", folder, "--yes")
    (folder / "others.yaml").unlink()
    assert "1 in use but not in the folder" in call("plan", folder)
    call("plan", folder, "--exit-code")
    said = call("plan", folder, "--prune", "--exit-code", status=2)
    assert "- not-regulars" in said
    call("apply", folder, "--prune", "--yes")
    assert [segment.key for segment in queries.active()] == ["regulars"]
    call("unarchive", "not-regulars")
    assert queries.active().count() == 2


def test_a_segment_that_a_campaign_uses_is_not_archived_and_the_plan_names_the_campaign(folder):
    call("apply", folder, "--yes")
    campaign = Campaign.objects.create(key="spring", title="Spring", currency="TRY", created_at=0)
    campaign.audience.add(Segment.objects.get(key="not-regulars"))
    change(folder, "at_least: 2", "at_least: 3")
    assert "feeds: spring" in call("plan", folder)
    (folder / "others.yaml").unlink()
    for words in (("apply", folder, "--prune", "--yes"), ("archive", "not-regulars")):
        with pytest.raises(PusulaError, match="the campaigns spring use it"):
            call(*words)
    assert size() == 2


def test_a_segment_that_a_journey_is_under_way_with_is_not_archived(folder):
    call("apply", folder, "--yes")
    journey = Journey.objects.create(key="calls", state="live", created_at=0)
    told = {"title": {"en": "Calls"}, "entry": [{"enters": "not-regulars"}]}
    version = JourneyVersion.objects.create(
        journey=journey, number=1, definition=told, created_at=0
    )
    Journey.objects.update(version=version)
    change(folder, "at_least: 2", "at_least: 3")
    assert "\n      journeys: calls\n" in call("plan", folder)
    planned = json.loads(call("plan", folder, "--json"))["segments"]
    assert [one["journeys"] for one in planned if one["segment"] == "not-regulars"] == [["calls"]]
    with pytest.raises(PusulaError, match="the journeys calls use it"):
        call("archive", "not-regulars")
    Journey.objects.update(state="archived")
    call("archive", "not-regulars")
    assert Segment.objects.get(key="not-regulars").archived_at == NOW


def test_a_mistake_names_the_file_and_the_place(folder):
    change(folder, "at_least", "at_laest")
    with pytest.raises(PusulaError, match=r"regulars\.yaml: where\.orders\.count"):
        call("plan", folder)


def test_what_is_exported_plans_no_change(folder, tmp_path):
    call("apply", "--shipped", "--yes")
    call("apply", folder, "--yes")
    out = tmp_path / "out"
    assert call("export", out).count(": written") == SegmentVersion.objects.count()
    call("plan", out, "--exit-code", "--prune")
    assert ": written" not in call("export", out)
    for _name, document in catalog.read_folder(out):
        assert read_yaml(export.as_yaml(document)) == document


def test_export_writes_over_the_file_in_which_a_segment_stands(folder):
    call("apply", folder, "--yes")
    change(folder, "at_least: 2", "at_least: 7")
    said = call("export", folder)
    assert "others.yaml" in said
    assert not (folder / "not-regulars.yaml").exists()
    assert "at_least: 2" in (folder / "regulars.yaml").read_text(encoding="utf-8")
    call("plan", folder, "--exit-code")


def test_a_plan_speaks_the_language_that_is_active(folder):
    said = call("plan", folder, language="tr")
    assert "segmentinde değil" in said
