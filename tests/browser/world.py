"""What the browser sees: the small company with campaigns in each state and a caught mail."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.test import Client
from tests.web import company as made_up
from tests.web import plans

from pusula.rfm.models import RfmRun, RfmScore
from pusula.segments import counting
from pusula.segments.publishing import publication
from pusula.sources.models import Import
from pusula.web import actions

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
    _run_before(company.run)
    _wide()
    client = Client()
    client.force_login(company.user)
    names = {
        "elif": company.elif_.pk,
        "nobody": made_up.profile("", "", created=1).pk,
        "import": Import.objects.get().pk,
        "run": company.run.pk,
        "mail": _catch_mail(settings.PUSULA_HOME / "mailbox"),
        "link": actions.issue_login_link(company.user, valid_for=10**12),
    }
    return World(url, company, client.cookies["sessionid"].value, names)


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


def _run_before(run: RfmRun) -> None:
    """Write a run a month earlier in which everybody was one group further down."""
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


def _catch_mail(folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    message = EmailMessage()
    message["From"], message["To"] = "Lodos <lodos@example.com>", "elif.dogan@example.com"
    message["Subject"] = "Elif, bahar geldi"
    message.set_content("Merhaba https://lodos.example/bahar")
    message.add_alternative(plans.HTML, subtype="html")
    (folder / f"{_MAIL_KEY}.eml").write_bytes(message.as_bytes())
    return _MAIL_KEY
