"""Customers who may be one person: the queue of proposals, looked at and decided."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from pusula.lib import clock
from pusula.pipeline import proposals as deciding
from pusula.privacy import audit
from pusula.profiles import proposals
from pusula.profiles.proposals import ProposalError
from pusula.web import review as pages
from pusula.web.request import asked, signed_in, whole

_NEXT = 12


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the proposal that is next, or the one that the address names, and the queue."""
    queue = proposals.queue()
    wanted = whole(asked(request, "proposal"))
    held = queue.filter(pk=wanted).first() if wanted is not None else None
    held = held or queue.first()
    context = {
        "review": pages.review_of(held) if held else None,
        "queue": pages.queued(queue[:_NEXT]),
        "n_open": queue.count(),
        "decided": pages.decided(),
        "last": proposals.last(),
    }
    return render(request, "web/identity/review.html", context)


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept a proposal, reject it, leave it for later, or take a rejection back."""
    login = signed_in(request).get_username()
    try:
        said = _decided(pk, request.POST.get("decision", ""), login)
    except ProposalError:
        said = gettext("This proposal is decided already, or nothing speaks for it any more.")
        messages.info(request, said)
    else:
        messages.success(request, said)
    return redirect("identity-review")


def _decided(pk: int, decision: str, login: str) -> str:
    match decision:
        case "accept":
            winner, loser = deciding.accept(pk, actor=login)
            audit.record(login, "profile.merged", f"customer:{loser}", into=winner, proposal=pk)
            return gettext("The two are becoming one customer. It can be undone.")
        case "reject":
            deciding.reject(pk, actor=login)
            audit.record(login, "proposal.rejected", f"proposal:{pk}")
            return gettext("They stay two customers and are not proposed again.")
        case "reopen":
            with transaction.atomic():
                proposals.reopen(pk)
                audit.record(login, "proposal.reopened", f"proposal:{pk}")
            return gettext("The proposal is open again.")
    proposals.put_off(pk, at=clock.now())
    return gettext("The proposal went to the end of the queue.")
