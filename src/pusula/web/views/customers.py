"""The list of customers, and the card of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from pusula.consent import queries as consents
from pusula.orders import queries as orders
from pusula.privacy import audit
from pusula.profiles import merging
from pusula.profiles import queries as profiles
from pusula.profiles.models import IdentifierKind, Profile
from pusula.rfm import words as rfm_words
from pusula.web import actions, search, timeline, titles
from pusula.web.card import PURPOSE, Card, Permission, card_of, list_permissions
from pusula.web.request import asked, draw, searched, signed_in, whole

PAGE = 50
_LIST_CHANNELS = ("email", "sms", "call")


@dataclass(frozen=True)
class Row:
    """A customer in the list; ``sums`` is ``None`` before the first completed order."""

    profile: Profile
    name: str
    city: str
    group: str
    sums: orders.Summary | None
    permissions: list[Permission]


@require_safe
def customers(request: HttpRequest) -> HttpResponse:
    """Show the customers that ``q`` leads to, page by page; all of them without it."""
    text = searched(request)
    found = search.find(text)
    after = _profile(asked(request, "after"))
    shown = profiles.page(found.profiles, after, PAGE + 1)
    page = shown[:PAGE]
    context = {
        "text": text,
        "read_as": found.read_as,
        "n_found": found.profiles.count(),
        "n_all": profiles.everybody().count(),
        "is_first": after is None,
        "next_after": page[-1].pk if len(shown) > PAGE else None,
        "rows": _rows(page),
        "near": profiles.with_names_like(text) if text and not shown else [],
        "has_stays": orders.has_stays(),
    }
    return draw(request, "web/customers/list.html", "web/customers/_results.html", context)


@require_safe
def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the card of a customer; ``show`` is the timeline's facet, ``before`` its page."""
    leads_to = merging.current([pk]).get(pk, pk)
    if leads_to != pk:  # who was merged is found under the number that holds now
        return redirect("customer", leads_to)
    card = card_of(get_object_or_404(Profile, pk=pk))
    part = "_timeline_page.html" if request.GET.get("before") else "_timeline.html"
    context = {"card": card, **_timeline(request, card)}
    return draw(request, "web/customers/card.html", f"web/customers/{part}", context)


@require_POST
@never_cache
def disclose(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the customer's phones and e-mails in full, and write down who asked for them.

    The answer is drawn at once instead of by a redirect, so that no address shows them unasked.
    """
    card = card_of(get_object_or_404(Profile, pk=pk))
    user = signed_in(request)
    kinds = sorted({contact.kind for contact in card.contacts})
    with transaction.atomic():
        for kind in kinds:
            actions.record_disclosure(user, pk, IdentifierKind(kind))
        audit.record(user.get_username(), "customer.disclosed", f"customer:{pk}", kinds=kinds)
    context = {"card": card, "is_disclosed": True, **_timeline(request, card)}
    return draw(request, "web/customers/card.html", "web/customers/_contacts.html", context)


def _profile(text: str) -> Profile | None:
    pk = whole(text)
    return Profile.objects.filter(pk=pk).first() if pk is not None else None


def _rows(page: list[Profile]) -> list[Row]:
    ids = [profile.pk for profile in page]
    sums = orders.summaries(ids)
    cities = profiles.texts_of(ids, "city")
    groups = profiles.texts_of(ids, "rfm_group")
    statuses = consents.statuses(ids, PURPOSE)
    return [
        Row(
            profile=profile,
            name=titles.customer(profile.name),
            city=cities.get(profile.pk, ""),
            group=rfm_words.title(groups[profile.pk]) if profile.pk in groups else "",
            sums=sums.get(profile.pk),
            permissions=list_permissions(statuses.get(profile.pk, {}), _LIST_CHANNELS),
        )
        for profile in page
    ]


def _timeline(request: HttpRequest, card: Card) -> dict[str, Any]:
    facets = timeline.facets(has_stays=card.has_stays)
    wanted = request.GET.get("show", "")
    facet = wanted if wanted in dict(facets) else facets[0][0]
    before = timeline.Position.read(request.GET.get("before", ""))
    page = timeline.page(card.profile.pk, facet, before)
    return {"facets": facets, "facet": facet, "before": before, "page": page}
