"""The poster: tells other programs what journeys ask for, each at least once, signed.

A call is claimed by putting it off for as long as telling may take: if this process ends, it is
due again by itself. So a program may hear of one twice; its ``Pusula-Id`` says that it is the same.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F

from pusula.channels.outbound import Answer, CallError, ForbiddenError, Outbound
from pusula.journeys import machine
from pusula.journeys.models import Call, Passage
from pusula.lib import clock
from pusula.outbox import fence
from pusula.outbox.brakes import is_stopped
from pusula.outbox.models import FENCE, Hold
from pusula.outbox.registry import RUN_FOLDER
from pusula.profiles.models import Identifier, IdentifierKind

BATCH = 16
LEASE = 2 * clock.MINUTE  # longer than a batch takes: each call is over in seconds
MOST_TRIES = 16
_FIRST_WAIT = clock.MINUTE
_LONGEST_WAIT = 6 * clock.HOUR
# A host that fails so often one after the other is left alone for a while, and then for longer.
_BREAKS_AFTER = 5
_THREADS = 8
_KEY_OF = b"pusula.journeys.calls"
_SHOWN = 200  # characters of an answer
# Answers that say "later", not "no".
_LATER = frozenset({408, 409, 423, 425, 429})


@dataclass(frozen=True)
class Posted:
    """What became of a batch: told, to be tried again, given up."""

    n_told: int = 0
    n_later: int = 0
    n_given_up: int = 0

    def __bool__(self) -> bool:
        """Say whether there was anything to do."""
        return bool(self.n_told or self.n_later or self.n_given_up)


@dataclass(frozen=True, slots=True)
class _Told:
    """How one attempt ended: nothing of it went wrong, or why and whether it may be repeated."""

    problem: str = ""
    is_final: bool = False
    after_s: int | None = None


@dataclass
class _Breaker:
    """How often a host failed in a row, and until when it is left alone."""

    n_failed: int = 0
    until_at: int = 0

    def take(self, is_good: bool, at: int) -> None:
        """Take in how an attempt ended."""
        self.n_failed = 0 if is_good else self.n_failed + 1
        over = self.n_failed - _BREAKS_AFTER
        self.until_at = at + min(_FIRST_WAIT << min(over, 9), _LONGEST_WAIT) if over >= 0 else 0


def key() -> str:
    """Return the key that signs the calls of this installation; programs check them with it."""
    return hmac.digest(settings.SECRET_KEY.encode(), _KEY_OF, "sha256").hex()


def signature(body: bytes, *, at: int) -> str:
    """Return the header that proves that ``body`` is ours and was sent ``at``."""
    seconds = at // clock.SECOND
    mac = hmac.new(key().encode(), b"%d." % seconds + body, "sha256").hexdigest()
    return f"t={seconds},v1={mac}"


@dataclass
class Poster:
    """Tells what is due, and remembers which hosts fail."""

    out: Outbound
    home: Path
    now: Callable[[], int] = clock.now
    _breakers: dict[str, _Breaker] = field(default_factory=dict)

    def post(self) -> Posted:
        """Tell the calls that are due, at most ``BATCH``; those of paused journeys wait."""
        if self._is_held():
            return Posted()
        claimed = self._claim()
        if not claimed:
            return Posted()
        bodies = _bodies(claimed)
        with ThreadPoolExecutor(_THREADS) as pool:
            told = list(pool.map(lambda call: self._tell(call, bodies[call.pk]), claimed))
        done = [self._settle(call, each) for call, each in zip(claimed, told, strict=True)]
        return Posted(done.count("told"), done.count("later"), done.count("given up"))

    def _is_held(self) -> bool:
        """Say whether nothing may leave: it is stopped, held, or the home may be a copy."""
        run = self.home / RUN_FOLDER
        is_held = Hold.objects.filter(origin__in=("", FENCE)).exists()
        return is_held or is_stopped(self.home) or bool(fence.trouble(run, at=self.now()))

    def _claim(self) -> list[Call]:
        """Return calls that are ours for as long as the lease lasts; hosts that fail wait."""
        at = self.now()
        due = Call.objects.filter(
            settled_at=None, due_at__lte=at, enrollment__journey__state=machine.LIVE
        )
        if not due.exists():
            return []
        claimed = []
        with transaction.atomic():
            for host, breaker in self._breakers.items():
                if breaker.until_at > at:
                    theirs = Call.objects.filter(settled_at=None, due_at__lte=at)
                    theirs.filter(url__icontains=f"://{host}").update(due_at=breaker.until_at)
            found = due.select_related(
                "enrollment__journey", "enrollment__version", "enrollment__order"
            ).order_by("due_at", "pk")
            for call in found[:BATCH]:
                mine = Call.objects.filter(pk=call.pk, due_at=call.due_at, settled_at=None)
                if mine.update(due_at=at + LEASE, n_attempts=F("n_attempts") + 1):
                    call.due_at, call.n_attempts = at + LEASE, call.n_attempts + 1
                    claimed.append(call)
        return claimed

    def _tell(self, call: Call, body: bytes) -> _Told:
        headers = {
            "content-type": "application/json",
            "pusula-id": call.dedupe_key,
            "pusula-signature": signature(body, at=self.now()),
        }
        try:
            answer = self.out.call("POST", call.url, headers=headers, body=body)
        except ForbiddenError as error:
            return _Told(error.message, is_final=True)
        except CallError as error:
            return _Told(error.message)
        except Exception as error:  # noqa: BLE001 - it ends this one, and not the batch
            return _Told(type(error).__name__)
        return _understood(answer)

    def _settle(self, call: Call, told: _Told) -> str:
        """Note how an attempt ended; one whose lease has run out changes nothing."""
        at = self.now()
        is_up = not told.problem or told.is_final
        self._breaker(call).take(is_up, at)
        mine = Call.objects.filter(pk=call.pk, due_at=call.due_at, settled_at=None)
        if is_up or call.n_attempts >= MOST_TRIES:
            mine.update(settled_at=at, detail=told.problem[:400])
            return "given up" if told.problem else "told"
        wait = min(_FIRST_WAIT << min(call.n_attempts - 1, 9), _LONGEST_WAIT)
        wait = max(wait, (told.after_s or 0) * clock.SECOND)
        mine.update(due_at=at + wait, detail=told.problem[:400])
        return "later"

    def _breaker(self, call: Call) -> _Breaker:
        return self._breakers.setdefault(urlsplit(call.url).hostname or "", _Breaker())


def _understood(answer: Answer) -> _Told:
    if answer.is_good:
        return _Told()
    said = answer.body[:_SHOWN].decode("utf-8", "replace").replace("\0", "")
    problem = f"{answer.status} {said}".strip()
    is_later = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _LATER
    return _Told(problem, is_final=not is_later, after_s=answer.retry_after_s)


def _bodies(calls: Sequence[Call]) -> dict[int, bytes]:
    """Return what is said of each, by its id: the same however often it is said."""
    rides = {call.enrollment_id: call.enrollment for call in calls}
    passed = {
        (ride_id, step): at
        for ride_id, step, at in Passage.objects.filter(
            enrollment_id__in=rides, step__in={call.step for call in calls}, is_exit=False
        ).values_list("enrollment_id", "step", "at")
    }
    keys: dict[int, list[str]] = {}
    people = {ride.profile_id for ride in rides.values()}
    found = Identifier.objects.filter(kind=IdentifierKind.KEY, profile_id__in=people)
    for profile_id, value in found.order_by("pk").values_list("profile_id", "value"):
        keys.setdefault(profile_id, []).append(value)
    return {
        call.pk: _body(call, passed.get((call.enrollment_id, call.step)), keys) for call in calls
    }


def _body(call: Call, at: int | None, keys: Mapping[int, Sequence[str]]) -> bytes:
    ride = call.enrollment
    said = {
        "id": call.dedupe_key,
        "journey": ride.journey.key,
        "version": ride.version.number,
        "step": call.step,
        "at": clock.to_datetime(ride.entered_at if at is None else at).isoformat(),
        "profile": ride.profile_id,
        "keys": keys.get(ride.profile_id, []),
        "order": ride.order.source_id if ride.order is not None else None,
    }
    return json.dumps(said, ensure_ascii=False).encode()
