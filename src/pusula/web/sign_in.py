"""How often somebody may try to sign in before they have to wait."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pusula.lib import clock, text
from pusula.web.models import SignInTry


@dataclass(frozen=True)
class Limit:
    """At most so many failed tries in this time, counted by these columns."""

    most: int
    within: int
    by: tuple[str, ...]


# Whoever forgets their password is stopped soon; whoever tries many names, or one name from many
# places, later. A login link passes all of them: it cannot be guessed.
LIMITS = (
    Limit(10, 15 * clock.MINUTE, ("name", "network")),
    Limit(50, 15 * clock.MINUTE, ("network",)),
    Limit(100, clock.HOUR, ("name",)),
)
_LONGEST = max(limit.within for limit in LIMITS)


def begin(name: str, network: str, *, at: int) -> SignInTry | int:
    """Write down a try before the password is looked at, or return how long to wait (µs).

    Written first, of many at the same moment no more pass than may. A try that is refused does not
    count: whoever waits gets in.
    """
    SignInTry.objects.filter(at__lt=at - _LONGEST).delete()
    tried = SignInTry.objects.create(name=_digest(name), network=network, at=at)
    if wait := _wait(tried):
        tried.delete()
        return wait
    return tried


def _wait(tried: SignInTry) -> int:
    """Return after how many microseconds such a try may be made again; 0: now."""
    found = 0
    for limit in LIMITS:
        alike = {column: getattr(tried, column) for column in limit.by}
        others = SignInTry.objects.filter(at__gt=tried.at - limit.within, **alike)
        before = others.exclude(pk=tried.pk).order_by("-at").values_list("at", flat=True)
        nth = before[limit.most - 1 : limit.most].first()
        if nth is not None:
            found = max(found, nth + limit.within - tried.at)
    return found


def succeeded(tried: SignInTry) -> None:
    """Forget the tries of a name from a place: whoever knows the password is no stranger."""
    SignInTry.objects.filter(name=tried.name, network=tried.network).delete()


def _digest(name: str) -> str:
    """Return what stands for a user name: what people type there may be a password."""
    return hashlib.sha256(text.fold(name).encode()).hexdigest()
