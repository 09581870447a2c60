"""A report as a mail: figures, charts and tables in HTML and in text, with a link to the page."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pusula.channels.email import dkim
from pusula.channels.email.address import split_sender
from pusula.lib import clock, ids, money
from pusula.measurement.reports import pictures, words
from pusula.measurement.reports.catalog import Result, of_period, period_of
from pusula.measurement.reports.models import Issue
from pusula.measurement.reports.names import MODELS, Names
from pusula.measurement.reports.period import Period
from pusula.measurement.reports.tables import (
    SHARE,
    Cell,
    Table,
    attribution_table,
    growth,
    kpi_rows,
    shown,
    tables,
)

TITLES: dict[str, str | Promise] = {
    "kpi": gettext_lazy("Figures of the period"),
    "attribution": gettext_lazy("Credit and lift"),
    "rates": gettext_lazy("Rates"),
    "cohort": gettext_lazy("Cohorts"),
}
_MOST_ROWS = 10
_MOST_COLUMNS = 6  # of a table in a mail: phones are narrow
_MOST_BARS = 8
_LIFT = 5  # the column of lift in the table of credit; its interval stands behind it
# The rates a mail shows: the columns of the table of rates by their place.
_RATES_SHOWN = (0, 1, 2, 3, 5, 6)


@dataclass(frozen=True)
class Picture:
    """A drawing and the sentence that says what it shows."""

    image: bytes
    alt: str


@dataclass(frozen=True)
class Tile:
    """A large figure and how it changed."""

    title: str
    value: str
    change: str


@dataclass(frozen=True)
class Part:
    """A headed part of the mail."""

    title: str
    tiles: list[Tile]
    pictures: list[Picture]
    head: list[str]
    rows: list[list[str]]
    note: str
    url: str
    problem: str = ""  # why there is nothing of it


def message(issue: Issue, to: str) -> EmailMessage:
    """Return the mail of ``issue`` to the address ``to``, in the schedule's language."""
    with translation.override(issue.schedule.language):
        return _message(issue, to)


def signed(mail: EmailMessage) -> bytes:
    """Return a mail as it goes on the wire, signed where the company signs its mails."""
    raw = mail.as_bytes(policy=SMTP.clone(max_line_length=76))
    _name, sender = split_sender(settings.PUSULA.from_address)
    signer = dkim.signer_of(sender, dkim.signers(settings.PUSULA_DKIM))
    if signer is None:
        return raw
    head, _empty, body = raw.partition(b"\r\n\r\n")
    return signer.signature(head + b"\r\n", [body]) + raw


def page(issue: Issue) -> str:
    """Return the report as one HTML page that needs nothing else, to be kept."""
    with translation.override(issue.schedule.language):
        parts = _parts(issue)
        return _html(issue, parts, [_inline(one) for part in parts for one in part.pictures])


def _message(issue: Issue, to: str) -> EmailMessage:
    parts = _parts(issue)
    company = settings.PUSULA
    domain = split_sender(company.from_address)[1].rpartition("@")[2]
    drawings = [one for part in parts for one in part.pictures]
    cids = [f"{ids.random_id()}@{domain}" for _one in drawings]
    mail = EmailMessage()
    mail["From"] = company.from_address
    mail["To"] = to
    mail["Subject"] = f"{issue.schedule.title}: {_days(issue)}"
    mail["Date"] = format_datetime(clock.to_datetime(clock.now()))
    mail["Message-ID"] = f"<{ids.random_id()}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(issue, parts))
    mail.add_alternative(_html(issue, parts, [f"cid:{cid}" for cid in cids]), subtype="html")
    html = mail.get_payload()[-1]  # type: ignore[index]
    assert isinstance(html, EmailMessage)  # noqa: S101 - what was added above
    for cid, drawing in zip(cids, drawings, strict=True):
        html.add_related(
            drawing.image, "image", "png", cid=f"<{cid}>", disposition="inline",
            filename=f"{cid.partition('@')[0]}.png",
        )  # fmt: skip
    return mail


def _days(issue: Issue) -> str:
    last = issue.until_on - dt.timedelta(days=1)
    return f"{words.day(issue.from_on)} – {words.day(last)}"


def _parts(issue: Issue) -> list[Part]:
    made = {
        "kpi": _kpi, "attribution": _attribution, "rates": _rates, "cohort": _cohort,
    }  # fmt: skip
    return [
        made[part](issue.results[part]) if part in issue.results else _missing(part, issue)
        for part in issue.schedule.parts
    ]


def _missing(part: str, issue: Issue) -> Part:
    days = {} if part == "cohort" else of_period(Period(issue.from_on, issue.until_on))
    return Part(
        str(TITLES[part]), [], [], [], [], "", _url(f"report-{part}", {"question": days}),
        _("Could not be counted for this report. It is counted anew for the next one."),
    )  # fmt: skip


def _kpi(result: Result) -> Part:
    now, before, currency = result["now"], result["before"], result["currency"]
    tiles = []
    for title, kind, read in kpi_rows():
        grown = growth(read(now), read(before))
        sign = "+" if grown and grown > 0 else ""
        tiles.append(
            Tile(
                title,
                shown(read(now), kind, currency),
                "" if grown is None or kind == SHARE else sign + words.percent(grown),
            )
        )
    return Part(
        _("Figures of the period"), tiles, [_course(result)], [], [],
        _("The change is against as many days before."), _url("report-kpi", result),
    )  # fmt: skip


def _course(result: Result) -> Picture:
    currency = result["currency"]
    days = [dt.date.fromisoformat(one["from"]) for one in result["columns"]]
    values = [float(money.from_minor(one["net"], currency)) for one in result["columns"]]

    return Picture(
        pictures.columns([words.short_day(day) for day in days], values, words.short),
        _("Net revenue by the day of booking, without what was cancelled (%(currency)s)")
        % {"currency": currency},
    )


def _attribution(result: Result) -> Part:
    table = attribution_table(result, "origin")
    rows, currency = result["by"]["origin"], result["currency"]
    names = Names.of(rows)
    top = [row for row in rows if row["revenue_minor"] > 0][:_MOST_BARS]
    drawn = []
    if top:
        model = MODELS[result["question"]["rules"]["model"]]
        drawn.append(
            Picture(
                pictures.bars(
                    [names.row(row) for row in top],
                    [float(money.from_minor(row["revenue_minor"], currency)) for row in top],
                    words.short,
                ),
                _("Credited revenue by campaign and journey (%(currency)s): %(model)s")
                % {"currency": currency, "model": model},
            )
        )
    return Part(
        _("Credit and lift"),
        [],
        drawn,
        [table.columns[0].title, table.columns[2].title, table.columns[_LIFT].title],
        [_beside(row, currency) for row in table.rows[:_MOST_ROWS]],
        table.note,
        _url("report-attribution", result),
    )


def _beside(row: tuple[Cell, ...], currency: str) -> list[str]:
    """Return a name, its credit, and its lift with the interval, each in its own column."""
    lift, low, high = (None if cell is None else float(cell) for cell in row[_LIFT : _LIFT + 3])
    said = words.NOTHING
    if lift is not None:
        said = (
            f"{words.amount(lift, currency)} ({_short(low, currency)} … {_short(high, currency)})"
        )
    credit = row[2]
    return [str(row[0]), words.amount(float(credit or 0), currency), said]


def _short(minor: float | None, currency: str) -> str:
    return words.short(float(money.from_minor(round(minor or 0), currency)))


def _rates(result: Result) -> Part:
    (table,) = tables(result)
    return _tabled(table, _RATES_SHOWN, [], _url("report-rates", result))


def _cohort(result: Result) -> Part:
    table = tables(result)[0]
    places = range(min(_MOST_COLUMNS, len(table.columns)))
    newest = replace(table, rows=table.rows[-_MOST_ROWS:])
    return _tabled(newest, tuple(places), [], _url("report-cohort", result))


def _tabled(table: Table, places: tuple[int, ...], drawn: list[Picture], url: str) -> Part:
    return Part(
        table.title,
        [],
        drawn,
        [table.columns[place].title for place in places],
        [[row[place] for place in places] for row in table.shown()[:_MOST_ROWS]],
        table.note,
        url,
    )


def _html(issue: Issue, parts: list[Part], sources: list[str]) -> str:
    waiting = iter(sources)
    told = [
        {"part": part, "pictures": [(next(waiting), one.alt) for one in part.pictures]}
        for part in parts
    ]
    context = {
        "title": issue.schedule.title,
        "days": _days(issue),
        "company": settings.PUSULA.name,
        "language": issue.schedule.language,
        "parts": told,
        "width": pictures.WIDTH,
    }
    return render_to_string("reports/mail.html", context)


def _inline(picture: Picture) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.image).decode()}"


def _text(issue: Issue, parts: list[Part]) -> str:
    lines = [f"{settings.PUSULA.name} · {issue.schedule.title}", _days(issue)]
    for part in parts:
        lines += ["", part.title, "-" * len(part.title)]
        for tile in part.tiles:
            change = f" ({tile.change})" if tile.change else ""
            lines.append(f"{tile.title}: {tile.value}{change}")
        for row in part.rows:
            rest = (f"{head}: {cell}" for head, cell in zip(part.head[1:], row[1:], strict=True))
            lines.append(f"{row[0]}: {', '.join(rest)}")
        if part.problem:
            lines.append(part.problem)
        elif not part.tiles and not part.rows:
            lines.append(_("Nothing in this period."))
        lines += [part.note] * bool(part.note) + [part.url]
    return "\n".join(lines) + "\n"


def _url(page_of: str, result: dict[str, Any]) -> str:
    path = page_of.removeprefix("report-")
    question = result["question"]
    days = ""
    if "from" in question:
        period = period_of(question)
        last = period.last_on.isoformat()
        days = f"?{urlencode({'from': period.from_on.isoformat(), 'to': last})}"
    return f"{settings.PUSULA.public_url}/reports/{path}/{days}"
