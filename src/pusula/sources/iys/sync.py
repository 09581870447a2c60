"""One turn with İYS: tell, hear what became of it, ask what people told it, compare."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from django.db.models import QuerySet

from pusula.consent.iys import actions, rules
from pusula.consent.iys.actions import Heard
from pusula.consent.models import (
    Channel,
    Consent,
    IysAccount,
    IysRecord,
    IysState,
    IysStatus,
    IysSubmission,
    IysType,
    RecipientType,
    Status,
)  # fmt: skip
from pusula.lib import clock
from pusula.lib.sayings import Saying, placed
from pusula.pipeline import appender
from pusula.pipeline.appender import Entry
from pusula.profiles.models import Identifier, IdentifierKind
from pusula.sources.calling import Page, client
from pusula.sources.iys.api import Api, IysError
from pusula.sources.models import Source

PURPOSE = "marketing"  # İYS knows one: commercial messages
_STATUSES = {IysStatus.APPROVED: Status.GRANTED, IysStatus.REFUSED: Status.REFUSED}
PULL, PUSH, COMPARE = "pull", "push", "compare"
ALL = frozenset({PULL, PUSH, COMPARE})
_DONE, _FAILED = "success", "failure"


@dataclass
class Turn:
    """What a turn did."""

    n_told: int = 0
    n_registered: int = 0
    n_rejected: int = 0
    n_heard: int = 0
    n_compared: int = 0


def pull(source: Source, at: int) -> Iterator[Page]:
    """Do a turn; yield what people told İYS itself, as entries with the cursor behind them."""
    yield from _Sync(source, at).pages()


def run(
    source: Source, at: int, http: httpx.Client | None = None, *, parts: frozenset[str] = ALL
) -> Turn:
    """Do a turn and append what it brings; for the command line and for tests.

    Raises ``LaterError`` when İYS asks for patience: what was done stays done.
    """
    sync = _Sync(source, at, http, parts)
    for page in sync.pages():
        appender.append(list(page.entries))
        Source.objects.filter(pk=source.pk).update(cursor=dict(page.cursor))
    return sync.turn


class _Sync:
    def __init__(
        self,
        source: Source,
        at: int,
        http: httpx.Client | None = None,
        parts: frozenset[str] = ALL,
    ) -> None:
        self.source = source
        self.parts = parts
        self.at = at
        self.http = http
        self.turn = Turn()
        self.account = actions.open_account(source.slug, at=at)

    def pages(self) -> Iterator[Page]:
        """Yield the pages of a turn.

        What people told İYS is read first: a refusal told there binds what we are about to tell.
        """
        http = self.http or client()
        try:
            api = Api(self.source, http)
            if PULL in self.parts:
                yield from self._changes(api)
            if PUSH in self.parts:
                self._results(api)
                self._tell(api)
            if COMPARE in self.parts:
                yield from self._compare(api)
        finally:
            if self.http is None:
                http.close()

    def _changes(self, api: Api) -> Iterator[Page]:
        cursor = dict(self.source.cursor)
        while api.may("changes"):
            after, rows = api.changes(str(cursor.get("after") or ""))
            heard, problems = _heard(rows)
            # Our own copy of the registry first: the gate asks it at once, the log comes after.
            actions.hear(heard, at=self.at)
            self.turn.n_heard += len(heard)
            cursor = {**cursor, "after": after}
            self.source.cursor = cursor
            entries = [entry for one in heard for entry in _entries(self.source.slug, one)]
            yield Page(entries, cursor, problems)
            if len(rows) < api.told.page:
                IysAccount.objects.filter(pk=self.account.pk).update(read_at=self.at)
                return

    def _results(self, api: Api) -> None:
        waiting = IysSubmission.objects.filter(state=IysState.SUBMITTED)
        for request_id in waiting.values_list("request_id", flat=True).distinct().order_by():
            if not api.may("result"):
                return
            told = {one.position: one for one in waiting.filter(request_id=request_id)}
            try:
                rows = api.results(request_id)
            except IysError:
                actions.lost(request_id)
                continue
            for row in rows:
                index = row.get("index")
                if isinstance(index, int) and index in told:
                    self._settle(told[index], row)

    def _settle(self, one: IysSubmission, row: Mapping[str, Any]) -> None:
        if row.get("status") == _DONE:
            self._registered(one, row)
        elif row.get("status") == _FAILED:
            error = row.get("error")
            told = error if isinstance(error, dict) else row
            self._rejected(one, str(told.get("code") or "refused"), str(told.get("message") or ""))

    def _registered(self, one: IysSubmission, row: Mapping[str, Any]) -> None:
        created_at = _moment(row.get("creationDate")) or self.at
        number = str(row.get("transactionId") or "")[:80]
        actions.registered(one, number, created_at, at=self.at)
        self.turn.n_registered += 1

    def _rejected(self, one: IysSubmission, code: str, detail: str) -> None:
        actions.rejected(one, code, detail, at=self.at)
        self.turn.n_rejected += 1

    def _tell(self, api: Api) -> None:
        """Tell what waits: a single decision by itself, several together."""
        while told := actions.next_to_tell(api.told.most_in_batch, at=self.at):
            if len(told) == 1 and api.may("add"):
                is_taken = self._tell_one(api, told[0])
            elif api.may("batch"):
                is_taken = self._tell_many(api, told)
            else:
                return
            if not is_taken:
                return  # it is tried again in the next turn
            self.turn.n_told += len(told)

    def _tell_one(self, api: Api, one: IysSubmission) -> bool:
        try:
            self._registered(one, api.add(one))
        except IysError as error:
            _index, code, detail = (error.errors or [(None, "refused", error.message)])[0]
            self._rejected(one, code, detail)
        return True

    def _tell_many(self, api: Api, told: Sequence[IysSubmission]) -> bool:
        try:
            request_id = api.add_many(told)
        except IysError as error:
            named = {
                index: (code, words)
                for index, code, words in error.errors
                if index is not None and 0 <= index < len(told)
            }
            for index, (code, words) in named.items():
                self._rejected(told[index], code, words)
            if not named:
                _index, code, words = (error.errors or [(None, "refused", error.message)])[0]
                actions.turned_back(told, code, words, at=self.at)
            return bool(named)
        actions.submitted(told, request_id)
        return True

    def _compare(self, api: Api) -> Iterator[Page]:
        """Ask for every recipient's state, a part in each turn, once in a while from the start."""
        cursor = dict(self.source.cursor)
        place = cursor.get("compare")
        if place is None and not self._is_time_to_compare(api):
            return
        stage, after = place or (0, 0)
        while stage < len(_STAGES) and api.may("status"):
            type_, is_ours = _STAGES[stage]
            page = (
                _grants(type_, after)
                if is_ours
                else _records(type_, after).filter(confirmed_at__lt=self.at - clock.HOUR)
            )
            recipients, last = _recipients(type_, page, is_ours=is_ours, limit=api.told.most_asked)
            if recipients:
                found = api.approved(type_, RecipientType.PERSON, recipients)
                actions.compared(
                    type_, RecipientType.PERSON, recipients, dict.fromkeys(found, 0), at=self.at
                )
                self.turn.n_compared += len(recipients)
            stage, after = (stage, last) if last else (stage + 1, 0)
        is_done = stage == len(_STAGES)
        if is_done:
            IysAccount.objects.filter(pk=self.account.pk).update(compared_at=self.at)
        self.source.cursor = {**cursor, "compare": None if is_done else [stage, after]}
        yield Page([], self.source.cursor)

    def _is_time_to_compare(self, api: Api) -> bool:
        every = api.told.compare_every_h * clock.HOUR
        return self.account.compared_at is None or self.at - self.account.compared_at >= every


def _heard(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Heard], list[Saying]]:
    """Return what records of İYS say, and why some say nothing; no problem quotes a recipient."""
    heard, problems = [], []
    for row in rows:
        try:
            heard.append(_one(row))
        except (rules.BadRecordError, KeyError, ValueError) as error:
            why = error.saying if isinstance(error, rules.BadRecordError) else repr(error)[:150]
            problems.append(placed(str(row.get("transactionId") or "–")[:40], why))
    return heard, problems


def _one(row: Mapping[str, Any]) -> Heard:
    decided_at = rules.read(str(row["consentDate"]))
    return Heard(
        type=IysType(row["type"]),
        recipient=_recipient(str(row["recipient"]), str(row["type"])),
        recipient_type=RecipientType(row.get("recipientType") or RecipientType.PERSON),
        status=IysStatus(row["status"]),
        source=str(row.get("source") or "")[:40],
        decided_at=decided_at,
        created_at=_moment(row.get("creationDate")) or decided_at,
        transaction_id=str(row.get("transactionId") or "")[:80],
    )


def _recipient(text: str, type_: str) -> str:
    return text.strip().lower() if type_ == IysType.EMAIL else text.strip()


def _moment(told: object) -> int | None:
    try:
        return rules.read(str(told)) if told else None
    except rules.BadRecordError:
        return None


def _entries(slug: str, one: Heard) -> Iterator[Entry]:
    """Yield the decision for the log; one about messages counts for WhatsApp too, if it refuses."""
    channels = [rules.CHANNELS[IysType(one.type)]]
    if one.type == IysType.SMS and one.status == IysStatus.REFUSED:
        channels.append(Channel.WHATSAPP)
    named = {"email" if one.type == IysType.EMAIL else "phone": one.recipient}
    said = (*one.key, one.status, str(one.decided_at), str(one.created_at))
    number = hashlib.sha256("\x1f".join(said).encode()).hexdigest()[:40]
    for channel in channels:
        body = {
            **named,
            "channel": channel.value,
            "purpose": PURPOSE,
            "status": _STATUSES[IysStatus(one.status)].value,
            "evidence": f"İYS {one.source}".strip(),
            "proof": {"iys_source": one.source, "transaction": one.transaction_id},
        }
        yield Entry(
            kind="consent",
            source=slug,
            message_id=f"{slug}:change:{number}:{channel.value}",
            body=json.dumps(body, ensure_ascii=False),
            occurred_at=one.decided_at,
        )


# What is compared, in order: of each type first whom we may write to, then whom İYS told us of.
_STAGES = [(type_, is_ours) for type_ in IysType for is_ours in (True, False)]


def _grants(type_: IysType, after: int) -> QuerySet[Consent]:
    held = Consent.objects.filter(channel=rules.CHANNELS[type_], purpose=PURPOSE, pk__gt=after)
    return held.filter(status=Status.GRANTED).order_by("pk")


def _records(type_: IysType, after: int) -> QuerySet[IysRecord]:
    held = IysRecord.objects.filter(type=type_, recipient_type=RecipientType.PERSON, pk__gt=after)
    return held.order_by("pk")


def _recipients(
    type_: IysType, page: QuerySet[Any], *, is_ours: bool, limit: int
) -> tuple[list[str], int]:
    """Return the next recipients to ask for, and the row they end with; 0: there are no more."""
    if not is_ours:
        found = list(page.values_list("pk", "recipient")[:limit])
        return [recipient for _pk, recipient in found], found[-1][0] if found else 0
    kind = IdentifierKind.EMAIL if type_ == IysType.EMAIL else IdentifierKind.PHONE
    recipients: list[str] = []
    last = 0
    owners = list(page.values_list("pk", "profile_id")[:limit])
    held = defaultdict(list)
    for profile_id, value in Identifier.objects.filter(
        kind=kind, profile_id__in=[owner for _pk, owner in owners]
    ).values_list("profile_id", "value"):
        held[profile_id].append(value)
    for pk, owner in owners:
        theirs = [one for one in held[owner] if not rules.trouble_with(type_, one)][:limit]
        if len(recipients) + len(theirs) > limit:
            break
        recipients += theirs
        last = pk
    return recipients, last
