"""What a consent is for: a closed list, so that a mistyped purpose is refused and not believed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from pusula.consent.models import Purpose
from pusula.lib.errors import PusulaError


class UnknownPurposeError(PusulaError):
    """A decision names a purpose that nobody has set up."""

    code = "unknown_purpose"


class BundledError(PusulaError):
    """One action of a person was to carry what each needs an action of its own."""

    code = "bundled_consent"


@dataclass(frozen=True)
class Known:
    """A purpose; messages for a commercial one need an approval (law 6563)."""

    slug: str
    title: str | Promise
    is_commercial: bool


BUILT_IN = {
    known.slug: known
    for known in (
        Known("marketing", _("Offers and news"), is_commercial=True),
        Known("surveys", _("Surveys"), is_commercial=True),
        Known("ads", _("Advertising on other sites"), is_commercial=True),
        Known("profiling", _("Personal recommendations"), is_commercial=False),
        Known("service", _("News about what you booked or bought"), is_commercial=False),
    )
}
# What a person agrees to in order to be served. Decision 2025/1072 of the Board: no code, click or
# signature may carry one of these and a consent at once.
CONTRACTS = frozenset(
    {"membership", "contract", "terms", "privacy-notice", "uyelik", "üyelik", "sozlesme"}
)
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}")
_PARTS = (",", ";", "+", "&", "/", "|")


def known() -> dict[str, Known]:
    """Return every purpose by its slug, those of the company last."""
    is_turkish = (get_language() or "").startswith("tr")
    own = {
        one.slug: Known(one.slug, one.title_tr if is_turkish else one.title_en, one.is_commercial)
        for one in Purpose.objects.order_by("slug")
    }
    return {**BUILT_IN, **own}


def is_slug(text: str) -> bool:
    """Say whether ``text`` may be the slug of a purpose."""
    return bool(_SLUG.fullmatch(text)) and text not in CONTRACTS


def strange(slugs: Iterable[str]) -> set[str]:
    """Return those of ``slugs`` that are no purpose."""
    left = set(slugs) - BUILT_IN.keys()
    if left:
        left -= set(Purpose.objects.filter(slug__in=left).values_list("slug", flat=True))
    return left


def check(slugs: Iterable[str]) -> None:
    """Raise ``UnknownPurposeError``, or ``BundledError``, for the first that is no purpose."""
    for slug in sorted(strange(slugs)):
        raise refusal(slug)


def refusal(slug: str) -> PusulaError:
    """Return why ``slug``, which is ``strange``, is not taken."""
    parts = [part for mark in _PARTS for part in slug.split(mark) if mark in slug]
    if parts or slug in CONTRACTS:
        return BundledError(
            _(
                "“%(purpose)s” is not one consent: each purpose needs a decision and a proof of "
                "its own, apart from membership and contract"
            )
            % {"purpose": slug[:60]}
        )
    there_are = ", ".join(known())
    return UnknownPurposeError(
        _(
            "there is no purpose “%(purpose)s”; there are: %(known)s. Another one is set up with "
            "`pusula consent purposes add`"
        )
        % {"purpose": slug[:60], "known": there_are}
    )


def is_commercial(slug: str) -> bool:
    """Say whether messages for ``slug`` are commercial; of an unknown one they are."""
    if (found := BUILT_IN.get(slug)) is not None:
        return found.is_commercial
    own = Purpose.objects.filter(slug=slug).values_list("is_commercial", flat=True).first()
    return own is not False


def title(slug: str) -> str:
    """Return what people call a purpose."""
    found = known().get(slug)
    return str(found.title) if found else slug
