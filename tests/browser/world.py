"""What the browser sees: the small company with campaigns in each state and a caught mail."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.web import calls, foretelling, pilots, plans, reported, rides
from tests.web import company as made_up

from pusula.campaigns import team, templates, trials
from pusula.campaigns.models import Campaign, Template
from pusula.campaigns.templates import Says
from pusula.consent import actions as consent
from pusula.consent import sign_ups, texts
from pusula.consent.iys import actions as iys
from pusula.consent.models import IysState, IysSubmission
from pusula.journeys.tasks import lists, noting, taking
from pusula.lib import clock
from pusula.pipeline import identity, live, queries
from pusula.pipeline.models import LogEntry, LogHead
from pusula.privacy import erasure, requests
from pusula.profiles.models import Identifier, IdentifierKind, Merge, Proposal
from pusula.rfm import alerts, config, versions
from pusula.rfm.alerts import Asked
from pusula.rfm.models import RfmRun, RfmScore
from pusula.segments import counting, evaluate
from pusula.segments.publishing import publication
from pusula.sources import keys, known, toml, uploads
from pusula.sources.actions import KINDS
from pusula.sources.look import draft
from pusula.sources.look.file import look
from pusula.sources.models import Import, Job, KeyKind, Source, SourceKind
from pusula.web import actions

_PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
_MAIL_KEY = f"1700000000000001-{'a' * 22}"


@dataclass(frozen=True)
class World:
    """Where the pages are, who is signed in, and the names that addresses hold."""

    url: str
    company: made_up.Company
    session: str
    names: dict[str, object]

    def address(self, path: str) -> str:
        """Return the whole address of a path of ``pages.PAGES``."""
        return self.url + path.format(**self.names)


def build(url: str) -> World:
    counting.STORE.forget()
    company = made_up.build()
    plans.finished("bahar")
    plans.started("guz", title="Güz daveti")
    plans.draft("yaz", title="Yaz daveti")
    plans.draft("kis", title="Kış daveti")
    Campaign.objects.filter(key="kis").update(
        state="scheduled", starts_at=clock.now() + clock.DAY, agreed_n=3
    )
    run_before = _run_before(company.run)
    _rules()
    foretelling.build(company)
    pilots.over()
    pilots.running()
    pilots.another()
    reported.messages_left()
    reported.mailed()
    _wide()
    _consents()
    _calls()
    client = Client()
    client.force_login(company.user)
    _proposed(company.elif_.pk)
    names = {
        "elif": company.elif_.pk,
        "merge": _merge(company.elif_.pk),
        "offered": _offered(),
        "nobody": made_up.profile("", "", created=1).pk,
        "import": Import.objects.get().pk,
        "upload": _upload(Import.objects.get().pk),
        "run": company.run.pk,
        "run_before": run_before.pk,
        "request": _asked(company),
        "erasure": erasure.begin(made_up.profile("", "", created=1).pk, actor="deniz").pk,
        "mail": _catch_mail(settings.PUSULA_HOME / "mailbox"),
        "entry": _told(),
        "traveller": _journeys(),
        "template": _template().pk,
        "template_sms": _template_sms().pk,
        "team": _team(company.elif_.pk),
        "link": actions.issue_login_link(company.user, valid_for=10**12),
    }
    return World(url, company, client.cookies["sessionid"].value, names)


def _offered() -> int:
    """Let somebody leave a booking behind who may be written to and called; return them."""
    who = made_up.profile("Derya", "Akın", created=1)
    made_up.identify(who, IdentifierKind.EMAIL, "derya@olmayan.example")
    made_up.identify(who, IdentifierKind.PHONE, "+905321112233")
    made_up.event(who, "Booking Abandoned", 1)
    for channel in ("email", "call"):
        made_up.decide(who, channel, "granted", 1)
    return who.pk


def _rules() -> None:
    """Write down two versions of the RFM rules that were in force, and one that is asked for."""
    for months, cuts in ((12, [30, 90, 180, 365]), (24, [60, 120, 240, 365])):
        rules = config.parse_project(
            {
                "look_back_months": months,
                "recency": {"measure": "calendar_days", "cuts": cuts},
                "rerun": {"every": "month"},
            }
        )
        at = made_up.NOW - (40 - months) * clock.DAY
        asked = versions.ask(rules, by="deniz", at=at)
        asked.cuts = {"recency": cuts, "frequency": [{"count": 2, "tie": "pms:4"}],
                      "monetary": [1_000_00, 5_000_00]}  # fmt: skip
        groups = list(rules.rules.named_groups)
        versions.begin(asked, at=at, groups=groups, n_all=39)
        versions.go_on(asked, to=39, n=39, n_moved=months)
        versions.publish(asked, at=at, n_graded=39)
    versions.ask(config.parse_project({"look_back_months": 6}), by="deniz", at=made_up.NOW)


def _template() -> Template:
    """Save a mail in two languages and two versions, with something to remark on."""
    html = (
        f'<h1>{{{{ profile.first_name }}}}</h1><img src="data:image/gif;base64,{_PIXEL}">'
        '<p style="color:#999999">Bekliyoruz. <a href="{{ unsubscribe_url }}">Çıkın</a></p>'
    )
    says = Says(subject="Bahar geldi", preheader="Erken rezervasyon", html=html)
    english = Says(subject="Spring is here", html=html)
    made = templates.save(
        None, name="Bahar daveti", says={"": says, "en": english}, by="deniz", at=made_up.NOW
    )
    longer = replace(says, html=f"<p>{'Uzun bir metin. ' * 40}</p>{html}")
    return templates.save(
        made, name=made.name, says={"": longer, "en": english}, by="deniz", at=made_up.NOW,
        note="Otel görseli eklendi",
    )  # fmt: skip


def _template_sms() -> Template:
    says = Says(text='Merhaba {{ profile.first_name | default: "misafirimiz" }}, iyi tatiller.')
    return templates.save(
        None, name="İyi tatiller", channel="sms", says={"": says}, by="deniz", at=made_up.NOW
    )


def _team(as_customer: int) -> str:
    """Verify an address, send it a test mail, and ask another; return the token of its link."""
    at = clock.now()
    team.invite("deniz@ajans.example", by="deniz", at=at)
    _address, token = team.take_invitation(at=at) or (None, "")
    one = team.verify(token, at=at)
    says = Says(subject="Bahar", text="Merhaba")
    if one is not None:
        trials.ask(says, to=one.pk, as_customer=as_customer, by="deniz", at=at)
    team.invite("ece@ajans.example", by="deniz", at=at)
    _address, token = team.take_invitation(at=at) or (None, "")
    return token


def _calls() -> None:
    """Let an agent have a call in hand, others wait, one be on a list; and ask for approval."""
    people = calls.with_phones(8)
    calls.asked(*people)
    home = settings.PUSULA_HOME
    task = taking.take("deniz", home, at=made_up.NOW)
    assert task is not None
    noting.note(task.pk, "deniz", noting.Said("no_answer"), at=made_up.NOW)
    lists.export(home, by="deniz", most=1, at=made_up.NOW)
    taking.take("deniz", home, at=made_up.NOW)
    calls.waiting(*people[:3])


def _merge(profile_id: int) -> int:
    """Merge somebody with a number and a device into a customer; return the merge."""
    twin = made_up.profile("Elif", "Dogan", created=1)
    for kind, value in (("key", "crm:48213"), ("anonymous", "web:7d1c0b9e44a2")):
        Identifier.objects.create(
            profile=twin, kind=kind, value=value, source=value[:3], recorded_at=made_up.NOW
        )
    with evaluate.alone():
        identity.unite(
            profile_id, twin.pk, reason="rule", evidence={"rule": "national_id"},
            at=made_up.NOW, carried=identity.Carried(),
        )  # fmt: skip
    return Merge.objects.get().pk


def _proposed(profile_id: int) -> None:
    """Propose that somebody is the same person as a customer."""
    twin = made_up.profile("Elif", "Doğn", created=1)
    Proposal.objects.create(
        one_id=profile_id, other_id=twin.pk, weight=14.2, certain=True, group_id=profile_id,
        evidence={"given": ["same", 5.0], "family": ["close", 4.0], "born": ["differs", -3.0]},
        group_weight=14.2, state="open", proposed_at=made_up.NOW,
    )  # fmt: skip


def _consents() -> None:
    """Block addresses, connect İYS, and let it reject something."""
    consent.suppress("email", "yok@olmayan.example", reason="hard_bounce", detail="550", at=1)
    consent.forget("email", ["silindi@olmayan.example"], at=1)
    texts.publish("marketing", "email", "tr", "Kampanyaları e-posta ile yazın.", by="deniz", at=1)
    sign_ups.add_form("bulten", "Bülten", ["marketing"], at=1)
    iys.open_account("iys", at=1, is_enforced=False, read_at=1_790_000_000_000_000)
    for number, state in enumerate(IysState.values):
        IysSubmission.objects.create(
            dedupe_key=str(number), type="EPOSTA", recipient=f"g{number}@olmayan.example",
            recipient_type="BIREYSEL", status="ONAY", source="HS_WEB", decided_at=1, due_at=2,
            state=state, created_at=1, settled_at=3, code="too_old" if state == "rejected" else "",
        )  # fmt: skip


def _journeys() -> int:
    """Bring people onto a journey, let one fail there, and draft another; return a traveller."""
    journey = rides.under_way()
    ride = rides.put_off(journey)
    rides.save("season", title={"tr": "Sezon daveti", "en": "Back for the season"})
    return ride.profile_id


def _told() -> int:
    """Let a website, a program and a silent hotel system tell something; return a bad entry."""
    at = made_up.NOW
    web = known.add("web", SourceKind.WEBSITE, "Web sitesi")
    for kind in (KeyKind.WRITE, KeyKind.SERVER):
        key, _secret = keys.issue(web, kind, origins=["https://www.lodos.example"])
    keys.rotate(key)
    late = known.add("mews", SourceKind.MEWS, "Otel sistemi")
    Source.objects.filter(pk=web.pk).update(last_data_at=at - clock.MINUTE)
    Source.objects.filter(pk=late.pk).update(
        last_data_at=at - 3 * clock.HOUR, expected_every_s=3600
    )
    visitor = {"anonymousId": "v-1"}
    told = [
        ("page", {**visitor, "name": "Odalar", "properties": {"path": "/odalar"}}),
        ("track", {**visitor, "event": "Stay Searched", "properties": {"region": "Bodrum"}}),
        ("track", {**visitor, "event": "Stay Viewed", "properties": {"hotel_id": "lodos"}}),
        ("identify", {"userId": "10027", "traits": {"firstName": "Elif", "email": "e@a.example"}}),
        ("track", {**visitor, "event": ""}),
        ("track", {**visitor, "event": "Booking Started"}),
    ]
    LogEntry.objects.bulk_create(
        LogEntry(
            id=n, kind="message", source="web", message_id=f"web:{n}",
            body=json.dumps(
                {"type": kind, "trusted": kind == "identify", "sent_at": None, "message": message},
                ensure_ascii=False, separators=(",", ":"),
            ),
            recorded_at=at - (10 - n) * clock.SECOND,
        )
        for n, (kind, message) in enumerate(told, 1)
    )  # fmt: skip
    LogHead.objects.create(n=len(told))
    live.step(len(told) - 1, at=at)  # the last one waits
    return queries.quarantined().get().entry_id


def _asked(company: made_up.Company) -> int:
    """Register requests of each kind, one of them late, and give the user all rights."""
    User.objects.filter(pk=company.user.pk).update(is_superuser=True)
    now = clock.now()
    for days, kind in ((40, "access"), (25, "rectify"), (3, "erase")):
        made = requests.register(
            kind, company.elif_.pk, actor="deniz", received_at=now - days * clock.DAY
        )
    return made.pk


def _upload(import_id: int) -> str:
    """Bring a file that waits for its mapping, and ask what undoing an import would do."""
    rows = "No;Misafir No;Durum;Tarih;Tutar;Tel\n1;10;Kapora;03.04.2025;1.234,50;5,32123E+09\n"
    file = SimpleUploadedFile("rezervasyonlar.csv", f"{rows}Toplam;;;;1.234,50;\n".encode())
    upload = uploads.keep("orders", file)
    found = look(upload.file)
    uploads.note_look(upload, found)
    document = draft.document(found, "orders", KINDS["orders"].fields, "pms")
    uploads.change_mapping(upload, toml.dumps(document))
    done = {"state": "done", "language": "tr", "created_at": made_up.NOW}
    Job.objects.create(task="look", place=upload.token, **done)
    result = {"n_profiles_removed": 120, "n_orders_removed": 390, "n_orders_left": 2,
              "orders_left": ["R-1", "R-2"], "n_refusals_kept": 3}  # fmt: skip
    Job.objects.create(task="undo-check", place=str(import_id), result=result, **done)
    return upload.token


def _wide() -> None:
    """Propose a segment with groups in groups, people left out, and every sort of box."""
    searched = {"name": "Hotel Searched", "count": {"at_least": 2}, "within": {"last": "30 days"}}
    spent = {"sum": "net_amount", "is": {"at_least": "40000 TRY"}, "within": {"last": "12 months"}}
    stayed = {"count": {"at_least": 1}, "where": {"region": {"in": ["Bodrum", "Kapadokya"]}}}
    away = {"latest": "ends_on", "is": {"between": ["540 days ago", "180 days ago"]}}
    share = {"share": {"channel": {"is": "Web"}}, "is": {"at_least": "50 %"}}
    inner = {"all": [{"events": searched}, {"trait": {"city": {"is": "Bursa"}}}]}
    document = {
        "segment": "wide",
        "title": {"tr": "Geniş bölüm", "en": "Wide segment"},
        "where": {
            "all": [
                {"orders": away},
                {"any": [{"orders": stayed}, {"orders": spent}, inner, {"orders": share}]},
                {"not": {"consent": {"channel": "sms", "purpose": "marketing", "is": "refused"}}},
            ]
        },
    }
    publication.propose(document, by="deniz")
    publication.work_once("world")


def _run_before(run: RfmRun) -> RfmRun:
    """Write a run a month earlier in which everybody was one group further down; heed a rule."""
    before = RfmRun.objects.create(
        as_of_on=run.as_of_on - dt.timedelta(days=30),
        config=run.config,
        config_key=run.config_key,
        groups=run.groups,
        edges={},
        n_profiles=run.n_profiles,
        currency=run.currency,
        created_at=run.created_at - 1,
    )
    scores = list(run.scores.all())
    for score in scores:
        score.pk, score.run = None, before
        score.group = run.groups[(run.groups.index(score.group) + 1) % len(run.groups)]
    RfmScore.objects.bulk_create(scores)
    alerts.add(Asked("moved", "loyal_customers", "champions", n=0), by="deniz")
    return before


def _catch_mail(folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    message = EmailMessage()
    message["From"], message["To"] = "Lodos <lodos@example.com>", "elif.dogan@example.com"
    message["Subject"] = "Elif, bahar geldi"
    message.set_content("Merhaba https://lodos.example/bahar")
    message.add_alternative(plans.HTML, subtype="html")
    (folder / f"{_MAIL_KEY}.eml").write_bytes(message.as_bytes())
    return _MAIL_KEY
