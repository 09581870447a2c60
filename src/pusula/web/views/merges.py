"""A merge of a customer looked at before it is undone, and undone."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from pusula.pipeline import identity
from pusula.privacy import audit
from pusula.profiles import merging
from pusula.profiles import queries as profiles
from pusula.profiles.models import Merge
from pusula.web import identifiers, titles
from pusula.web.request import signed_in

_REASON = 400


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the undoing of a merge gives back; a POST asks for it."""
    merge = get_object_or_404(Merge, pk=pk)
    winner = merging.current([merge.loser_id]).get(merge.loser_id, merge.winner_id)
    if merge.undone_at is not None or identity.is_being_undone(merge):
        messages.info(request, gettext("This merge is undone already."))
        return redirect("customer", winner)
    if request.method == "POST":
        login = signed_in(request).get_username()
        reason = request.POST.get("reason", "").strip()[:_REASON]
        with transaction.atomic():
            audit.record(login, "profile.unmerged", f"customer:{merge.loser_id}", merge=pk)
        identity.unmerge(pk, reason=reason, actor=login)
        messages.success(request, gettext("The merge is being undone."))
        return redirect("customer", winner)
    holder = profiles.everybody().get(pk=winner)
    context = {
        "merge": merge,
        "holder": holder,
        "name": titles.customer(holder.name),
        "loser": titles.customer(merge.loser_name),
        "consequences": identifiers.consequences(merge),
    }
    return render(request, "web/customers/unmerge.html", context)
