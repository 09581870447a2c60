"""Ready scenarios: each can be taken over as a draft and published, in both languages."""

from __future__ import annotations

import fnmatch
import json
import re
import tomllib
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from django.utils import translation
from tests.journeys.lives import SITE, World, agrees, does, provide, reads, tell
from tests.pipeline.company import NOW, event, told

from pusula.campaigns import templates
from pusula.campaigns.models import Template
from pusula.campaigns.templates import all_said
from pusula.events import vocabulary
from pusula.journeys import packs, queries, versions
from pusula.journeys.language import DefinitionError, sentences
from pusula.journeys.models import Enrollment, Journey, JourneyVersion
from pusula.lib import clock
from pusula.ops.journeys import journeys
from pusula.outbox.models import Content, Message
from pusula.pipeline import live
from pusula.pipeline.traits import said
from pusula.privacy.models import AuditEntry

pytestmark = pytest.mark.django_db(databases=["default", "log"])
FLAVOURS = [(one.name, flavour) for one in packs.all_packs() for flavour in one.flavours]
ALL = [(*each, language) for each in FLAVOURS for language in packs.LANGUAGES]
ROOT = Path(__file__).resolve().parents[2]


def pusula(*arguments: str, language: str = "en") -> str:
    with translation.override(language):
        result = CliRunner().invoke(journeys, ["packs", *arguments])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


@pytest.mark.parametrize(("name", "flavour", "language"), ALL)
def test_a_scenario_is_added_as_a_draft_that_can_be_published(name, flavour, language):
    scenario = packs.load(name, flavour, language, site=SITE)
    provide(scenario, at=NOW)
    added = packs.add(scenario, by="ada")
    journey = Journey.objects.get()
    assert (added.is_new, journey.key, journey.state) == (True, scenario.key, "draft")
    assert journey.version is None
    assert not Content.objects.exists(), "nothing is frozen yet"
    assert Template.objects.count() == added.n_templates == len(scenario.letters)
    version = queries.newest(journey)
    assert version is not None
    versions.publish(version)
    assert Journey.objects.get().state == "live"
    other = "en" if language == "tr" else "tr"
    mails = [ways[0][1] for ways in version.contents.values() if ways[0][0] != "call"]
    assert mails
    assert all(set(said) == {"", other} for said in mails), "everybody reads one, some the other"


@pytest.mark.parametrize(("name", "flavour"), FLAVOURS)
def test_every_message_passes_the_check_in_both_languages(name, flavour):
    packs.add(packs.load(name, flavour, "tr", site=SITE))
    for template in Template.objects.all():
        said = all_said(template)
        assert set(said) == {"", "en"}, template.name
        for one in said.values():
            assert not templates.check(template.channel, one), template.name
            assert template.channel != "email" or one.preheader
            if template.channel != "webpush":  # a browser has its own way out
                assert "{{ unsubscribe_url }}" in one.html + one.text
            assert SITE in one.html + one.text + json.dumps(one.details)


def test_the_words_keep_to_the_house_style():
    said = []
    for name, flavour in FLAVOURS:
        scenario = packs.load(name, flavour, "tr")
        document = scenario.document
        said += [document["title"][tag] for tag in packs.LANGUAGES]
        said += [document["description"][tag] for tag in packs.LANGUAGES]
        for letter in scenario.letters:
            for one in letter.said.values():
                said += [one.subject, one.preheader, one.text, one.html]
    for pack in packs.all_packs():
        said += [pack.title.tr, pack.title.en, pack.about.tr, pack.about.en]
        said += [words for kpi in pack.kpis for words in (kpi.tr, kpi.en)]
        assert len(pack.kpis) >= 3
    text = "\n".join(said)
    assert "!" not in re.sub(r"<!--.*?-->", "", text)
    assert not re.search(r"\}\}['’]", text), "no suffix on a value"
    assert not re.search(r"\b(sen|sana|seni|senin|senden)\b", text, re.IGNORECASE)


def test_every_scenario_says_its_goal_holdout_and_exits():
    for name, flavour in FLAVOURS:
        scenario = packs.load(name, flavour, "tr")
        document = scenario.document
        text = json.dumps(document)
        assert "goal" in text, name
        assert re.fullmatch(r"\d+ %", document["holdout"])
        assert document.keys() & {"who", "exit_when", "goal"}
        assert scenario.window_days >= 1
        assert [line for line in sentences(packs.parsed(scenario), "tr") if line.step]
    keys = [packs.load(*each, "tr").key for each in FLAVOURS]
    assert len(set(keys)) == len(keys), "a company may have both flavours"


@pytest.mark.parametrize("language", packs.LANGUAGES)
def test_templates_are_called_in_words_and_no_two_alike(language):
    scenarios = [packs.load(*each, language) for each in FLAVOURS]
    names = [letter.name for one in scenarios for letter in one.letters]
    assert len(set(names)) == len(names), "a company may have both flavours"
    for one in scenarios:
        title = one.document["title"][language]
        assert all(letter.name.startswith(f"{title} – ") for letter in one.letters)
        assert not any(one.key in letter.name for letter in one.letters)


def test_what_is_added_is_called_in_the_language_of_the_company_or_that_asked_for(settings):
    settings.PUSULA = replace(settings.PUSULA, language="en")
    pusula("add", "birthday")
    names = Template.objects.order_by("pk").values_list("name", flat=True)
    assert names.first() == "Birthday of a guest – wishes"
    Template.objects.all().delete()
    pusula("add", "abandoned-booking", "--language", "tr")
    found = Template.objects.order_by("pk").values_list("name", "channel")
    assert list(found) == [
        ("Yarım kalan rezervasyon – 30 dakika sonra", "email"),
        ("Yarım kalan rezervasyon – 30 dakika sonra (bildirim)", "webpush"),
        ("Yarım kalan rezervasyon – bir gün sonra", "email"),
        ("Yarım kalan rezervasyon – bir gün sonra (SMS)", "sms"),
    ]
    keys = Journey.objects.values_list("key", flat=True)
    assert set(keys) == {"guest-birthday", "abandoned-booking"}


def written_down() -> str:
    return json.dumps([*Template.objects.values(), *JourneyVersion.objects.values()])


def test_adding_again_changes_nothing_and_what_is_there_stays():
    scenario = packs.load("birthday", "hotel", "tr", site=SITE)
    provide(scenario, at=NOW)
    name = scenario.letters[0].name
    Template.objects.create(name=name, subject="Bizim", text="Bizim", updated_at=NOW)
    assert packs.add(scenario, at=NOW).n_templates == len(scenario.letters) - 1
    before = written_down()
    again = packs.add(packs.load("birthday", "hotel", "en", site=SITE), at=NOW + 1)
    assert (again.is_new, again.n_templates) == (False, 0)
    assert written_down() == before
    assert Template.objects.get(name=name).subject == "Bizim"


@pytest.mark.parametrize("flavour", ["hotel", "shop"])
def test_the_birthday_pack_asks_for_the_day_that_every_way_in_brings(english, flavour):
    heard = said({"birthday": "1985-01-02"}, trusted=True, protected=frozenset(), region="TR")
    scenario = packs.load("birthday", flavour, "tr", site=SITE)
    tell("trait", {"email": "ada@example.com", "traits": heard.traits}, NOW)
    live.step(at=NOW)
    assert not packs.missing(scenario)


def test_what_the_company_lacks_is_named_and_found_once_it_is_there(english):
    kinds = [(one.kind, one.names) for one in packs.missing(packs.load("birthday", "hotel", "tr"))]
    assert kinds == [("site", ()), ("trait", ("birth_date",))]
    tell("trait", {"email": "ada@example.com", "traits": {"born_on": {"day": "1985-01-02"}}}, NOW)
    live.step(at=NOW)
    (lacks,) = packs.missing(packs.load("birthday", "hotel", "tr", site=SITE))
    assert "name one in the draft that there is (born_on)" in lacks.sentence
    win_back = packs.load("win-back", "hotel", "tr", site=SITE)
    (lacks,) = packs.missing(win_back)
    assert (lacks.kind, lacks.names) == ("segment", ("lapsing-loyal-guests",))
    assert "segments apply --shipped" in lacks.sentence
    provide(win_back, at=NOW)
    assert not packs.missing(win_back)
    price_drop = packs.load("price-drop", "shop", "tr", site=SITE)
    assert ("event", ("Price Dropped",)) in [(m.kind, m.names) for m in packs.missing(price_drop)]
    told(event(9001, "ada@example.com", "Price Dropped", NOW))
    told(event(9002, "ada@example.com", "Product Viewed", NOW))
    live.step(at=NOW + 1)
    assert not packs.missing(price_drop)


def test_a_draft_that_asks_for_what_is_not_there_is_not_published():
    packs.add(packs.load("birthday", "hotel", "tr", site=SITE))
    version = JourneyVersion.objects.get()
    with pytest.raises(DefinitionError, match=r"entry\[0\]\.date\.trait"):
        versions.publish(version)
    assert Journey.objects.get().state == "draft"


def test_the_control_group_of_a_scenario_gets_nothing():
    world = World(packs.load("abandoned-booking", "hotel", "tr", site=SITE), holdout=True)
    people = [f"p{n}@example.com" for n in range(60)]
    lives = [[agrees(email, 0.001), does(email, 0.1, "Booking Started")] for email in people]
    for life in lives:
        for days, act in life:
            act(world, NOW + round(days * clock.DAY))
    live.step(at=NOW + round(0.11 * clock.DAY))
    world.pass_time(NOW + clock.DAY)
    held = Enrollment.objects.filter(is_holdout=True)
    assert 1 <= held.count() <= 15
    assert not Message.objects.filter(profile__in=held.values("profile")).exists()
    assert Message.objects.count() == 60 - held.count()


def test_everybody_reads_their_own_language():
    world = World(packs.load("abandoned-booking", "hotel", "tr", site=SITE))
    said = {}
    for name, language in (("ada", "en"), ("can", "tr"), ("ece", "de"), ("naz", None)):
        email = f"{name}@example.com"
        traits = [] if language is None else [reads(email, language)]
        acts = [agrees(email, 0.001), *traits, does(email, 0.1, "Booking Started")]
        for days, act in acts:
            act(world, NOW + round(days * clock.DAY))
        said[name] = email
    live.step(at=NOW + round(0.11 * clock.DAY))
    world.pass_time(NOW + round(0.5 * clock.DAY))
    subjects = {
        name: Message.objects.get(profile=world.whose(email)).content.subject
        for name, email in said.items()
    }
    turkish = "Rezervasyonunuz sizi bekliyor"
    assert subjects == {
        "ada": "Your booking is waiting for you", "can": turkish, "ece": turkish, "naz": turkish,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lapsed", "hotel", "tr"), "there is no pack 'lapsed'"),
        (("pre-arrival-upsell", "shop", "tr"), "there is no flavour 'shop'"),
        (("birthday", "hotel", "de"), "there is no language 'de'"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(arguments, said):
    with pytest.raises(packs.PackError, match=said):
        packs.load(*arguments)


@pytest.mark.parametrize(
    "site",
    [
        "javascript:alert(1)", "www.example.com", 'https://a.example/"><script>', "https://",
        "https://a.example/{{ profile.name }}", "https://a.example/$why", "ftp://a.example",
        "https://a.example/" + "a" * 300, "https://a.example/\n",
    ],
)  # fmt: skip
def test_an_address_that_could_break_a_message_is_refused(site):
    with pytest.raises(packs.PackError, match="no address of a site"):
        packs.load("birthday", "hotel", "tr", site=site)


def test_the_events_scenarios_speak_of_have_titles():
    names = {
        name
        for each in FLAVOURS
        for missing in packs.missing(packs.load(*each, "tr"))
        if missing.kind == "event"
        for name in missing.names
    }
    assert names
    assert not [name for name in names if name not in vocabulary.events()]


def test_the_scenarios_are_shipped():
    globs = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    kept = globs["tool"]["setuptools"]["package-data"]["pusula"]
    folder = resources.files("pusula.journeys.packs")
    files = [folder / "frame.mjml", *(folder / "scenarios").iterdir()]
    data = [file.name for file in files if not file.name.startswith("__")]
    assert len(data) == 1 + len(packs.all_packs())
    for name in data:
        assert any(fnmatch.fnmatch(f"x/{name}", glob) for glob in kept), name


def test_a_scenario_is_looked_at_and_added_on_the_command_line():
    assert "abandoned-booking" in pusula("list")
    listed = json.loads(pusula("list", "--json"))
    assert len(listed) == len(packs.all_packs()) == 11
    shown = pusula("show", "price-drop", "--flavour", "shop")
    for words in ("Wait 24 hours.", "Bakılan ürünün fiyatı düştü – haber (email)", "Conversion"):
        assert words in shown
    written = yaml.safe_load(pusula("show", "price-drop", "--yaml"))
    assert written["journey"] == "stay-price-drop"
    said = pusula("add", "price-drop", "--flavour", "shop", "--language", "tr", "--site", SITE)
    assert "The draft product-price-drop is there, with 3 templates." in said
    assert Journey.objects.get().state == "draft"
    assert AuditEntry.objects.get().verb == "journey.pack_added"
    assert "nothing was changed" in pusula("add", "price-drop", "--flavour", "shop")
    assert AuditEntry.objects.count() == 1
