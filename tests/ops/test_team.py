"""``pusula team``: tests of templates from the command line, to what is verified alone."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from tests.campaigns.test_posted_trials import NUMBER, number

from pusula.campaigns import templates
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import TeamAddress, Trial
from pusula.campaigns.templates import Says
from pusula.lib import clock
from pusula.ops.team import team
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Identifier, Profile

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def run(*words: str) -> str:
    return CliRunner().invoke(team, words, catch_exceptions=False).output


def a_template() -> None:
    ayse = Profile.objects.create(first_name="Ayşe", created_at=0, recorded_at=0)
    Identifier.objects.create(profile=ayse, kind="key", value="pms:1", source="pms", recorded_at=0)
    says = {"": Says(text="Merhaba {{ profile.first_name }}")}
    templates.save(None, name="bahar", channel="sms", says=says, by="ece", at=clock.now())


def test_a_number_is_asked_and_a_test_goes_to_it_once_it_is_verified():
    a_template()
    assert "code" in run("add", NUMBER)
    with pytest.raises(CampaignError):
        run("test", "bahar", "--to", NUMBER, "--as", "pms:1")
    TeamAddress.objects.all().delete()
    number()
    assert NUMBER in run("test", "bahar", "--to", NUMBER, "--as", "pms:1")
    assert Trial.objects.get().channel == "sms"
    assert AuditEntry.objects.filter(verb="template.tested").count() == 1
    assert "verified" in run("list")


@pytest.mark.parametrize(
    "words",
    [
        ("test", "none", "--to", NUMBER, "--as", "pms:1"),
        ("test", "bahar", "--to", "+905320000000", "--as", "pms:1"),
        ("test", "bahar", "--to", NUMBER, "--as", "pms:9"),
        ("test", "bahar", "--to", NUMBER, "--as", "pms:1", "--language", "de"),
        ("confirm", "+905320000000", "123456"),
    ],
)
def test_what_is_not_there_is_said(words):
    a_template()
    number()
    with pytest.raises(CampaignError):
        run(*words)
    assert not Trial.objects.exists()
