"""The supervisor's pages: all calls, lists for other systems, and the outcomes they bring back."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.journeys import queries as journeys
from pusula.journeys.models import CallList, Task
from pusula.journeys.tasks import lists, queries, taking
from pusula.journeys.tasks.lists import ListError
from pusula.journeys.tasks.results import STATES
from pusula.lib import clock
from pusula.measurement.reports import names
from pusula.outbox.reasons import Reason
from pusula.privacy import audit
from pusula.web import formats, masking, titles
from pusula.web.request import asked, plain, whole
from pusula.web.rights import SUPERVISE, demand

PAGE = 50
_NEWEST = 20
_SHOWN_ROWS = 100  # of what is wrong with a file
_TONES = {"due": "info", "in_hand": "warn", "listed": "warn", "done": "good", "not_made": ""}


@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the calls of a state and a journey, and count those of every state."""
    demand(request, SUPERVISE)
    at = clock.now()
    key = asked(request, "journey")
    state = asked(request, "state")
    state = state if state in STATES else "due"
    before = whole(asked(request, "before"))
    found = queries.of_journey(queries.of_state(state, at), key).order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    shown = list(
        found.select_related(
            "message__content", "enrollment__journey__version", "enrollment__profile"
        )[: PAGE + 1]
    )
    steps = names.steps((task.enrollment.journey.origin, task.step) for task in shown[:PAGE])
    context = {
        "rows": [_row(task, steps) for task in shown[:PAGE]],
        "next_before": shown[PAGE - 1].pk if len(shown) > PAGE else None,
        "is_first": before is None,
        "state": state,
        "states": [
            (one, STATES[one], n, _TONES.get(one, ""))
            for one, n in queries.counts(key, at=at).items()
        ],
        "journey": key,
        "journeys": [(one, _title(one)) for one in queries.journeys_that_call()],
    }
    return render(request, "web/tasks/all.html", context)


@require_POST
def free(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a call that an agent has in hand back in line."""
    who = demand(request, SUPERVISE)
    task = get_object_or_404(Task, pk=pk, is_call=True)
    try:
        with transaction.atomic():
            taking.put_back(pk, task.holder, at=clock.now())
            audit.record(who, "call.freed", f"call:{pk}", holder=task.holder)
    except taking.NotInHandError:
        messages.info(request, gettext("Nobody has this call in hand any more."))
    else:
        messages.success(request, gettext("The call is back in line."))
    return redirect("tasks-all")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest) -> HttpResponse:
    """Show the lists that are out; on POST look at a file of outcomes, or take it over."""
    who = demand(request, SUPERVISE)
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        try:
            context = _brought(request, who)
        except ListError as error:
            context, status = {"problem": error.said(gettext)}, 422
        if context.get("is_done") and not context["taken"].wrong:
            return redirect("tasks-lists")
    at = clock.now()
    context |= {
        "lists": [
            (one, queries.n_out(one), one.until_at > at) for one in queries.lists()[:_NEWEST]
        ],
        "journeys": [(one, _title(one)) for one in queries.journeys_that_call()],
        "n_due": queries.of_state("due", at).count(),
        "most": lists.MOST,
    }
    return render(request, "web/tasks/lists.html", context, status=status)


@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """Hand calls over: answer the file, and write down who did."""
    who = demand(request, SUPERVISE)
    most = whole(request.POST.get("most", "")) or lists.MOST
    hours = whole(request.POST.get("hours", "")) or 24
    made, text = lists.export(
        settings.PUSULA_HOME, by=who, journey=plain(request.POST.get("journey", "")), most=most,
        hours=hours, at=clock.now(),
    )  # fmt: skip
    audit.record(who, "calls.exported", f"list:{made.pk}", n=made.n_calls)
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{gettext("calls")}-{made.pk}.csv"'
    return response


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a list before its time."""
    who = demand(request, SUPERVISE)
    call_list = get_object_or_404(CallList, pk=pk)
    with transaction.atomic():
        n = lists.end(call_list, at=clock.now())
        audit.record(who, "calls.ended", f"list:{pk}", n=n)
    form = ngettext("%(n)s call is in line again.", "%(n)s calls are in line again.", n)
    messages.success(request, form % {"n": formats.number(n)})
    return redirect("tasks-lists")


def _brought(request: HttpRequest, who: str) -> dict[str, Any]:
    """Look at the outcomes of a form, or take them over."""
    file = request.FILES.get("file")
    text = request.POST.get("text", "")
    if file is not None:
        if (file.size or 0) > lists.MOST_BYTES:
            raise ListError(gettext("This file is too large for a list of calls."))
        given = file.read()
    elif text:
        given = text.encode()
    else:
        raise ListError(gettext("Choose the file with the outcomes."))
    rows = lists.read(given)
    is_trial = "take" not in request.POST
    taken = lists.take_over(rows, settings.PUSULA_HOME, at=clock.now(), is_trial=is_trial)
    if not is_trial:
        audit.record(who, "calls.taken_over", **lists.counted(taken))
        form = ngettext("%(n)s outcome is noted.", "%(n)s outcomes are noted.", taken.n_new)
        messages.success(request, form % {"n": formats.number(taken.n_new)})
    return {
        "taken": taken,
        "wrong": taken.wrong[:_SHOWN_ROWS],
        "is_done": not is_trial,
        "text": lists.decoded(given) if is_trial else "",
    }


def _title(key: str) -> str:
    found = journeys.by_key(key)
    return journeys.title(found, get_language() or "en") if found else key


def _row(task: Task, steps: dict[tuple[str, str], str]) -> dict[str, Any]:
    """Return a call for the list; ``steps`` name it as the reader says it.

    Its message is in the language of the customer.
    """
    message = task.message
    asked_as = message.content.subject if message else task.step
    reason = message.reason if message else ""
    region = settings.PUSULA.phone_region
    return {
        "task": task,
        "customer": titles.customer(task.enrollment.profile.name),
        "phone": masking.mask_phone(message.address, region) if message else "",
        "journey": journeys.title(task.enrollment.journey, get_language() or "en"),
        "subject": steps.get((task.enrollment.journey.origin, task.step), asked_as),
        "due_at": message.due_at if message else task.created_at,
        "outcome": lists.words(task).get(task.outcome, task.outcome) if task.outcome else "",
        "reason": Reason(reason).label if reason in Reason.values else reason,
        "is_listed": task.holder.startswith(taking.LIST),
    }
