"""Approving what journeys ask: all who wait at one step together, with a sample of what is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.journeys import actions
from pusula.journeys import queries as journeys
from pusula.journeys.language import DefinitionError, Graph
from pusula.journeys.language.nodes import Approval, Message
from pusula.journeys.models import Task
from pusula.journeys.tasks import queries
from pusula.journeys.tasks.queries import Asked
from pusula.lake import rows
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.outbox.links import preview_links
from pusula.outbox.models import Content
from pusula.outbox.outgoing import Prepared
from pusula.outbox.variables import values

YES, NO = "then", "else"
_CHUNK = 500  # people at a time: nobody else moves meanwhile
_WALK = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """The first message behind a yes, as the first person who waits would get it."""

    step: str
    channel: str
    subject: str
    text: str
    profile_id: int
    problem: str = ""  # why it stands as it was written


def title(asked: Asked, language: str) -> str:
    """Return what is asked, in ``language``; the step where its version speaks of what is gone."""
    try:
        kind = journeys.graph_of(asked.version).nodes[asked.step].kind
    except DefinitionError:
        return asked.step
    return str(getattr(kind.title, language)) if isinstance(kind, Approval) else asked.step


def decide(
    version_id: int, step: str, answer: str, *, up_to: int, by: str, note: str = "", at: int
) -> int:
    """Approve (``YES``) or reject (``NO``) for all who wait at a step; return for how many.

    ``up_to`` is the last task that was seen: whoever came later waits for another decision. Each
    part of them is one transaction; who cannot go on now stays, and the error says so.
    """
    if answer not in {YES, NO}:
        raise PusulaError(
            Saying(
                "%(answer)r is no answer: %(yes)s or %(no)s",
                {"answer": answer, "yes": YES, "no": NO},
            )
        )
    waiting = queries.open_approvals(at).filter(
        enrollment__version_id=version_id, step=step, pk__lte=up_to
    )
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    n = 0
    for part in rows.parts(ids, _CHUNK):
        tasks = list(Task.objects.filter(pk__in=part, closed_at=None))
        if tasks:
            actions.answer_all(tasks, answer, by=by, note=note, at=at)
            n += len(tasks)
    return n


def sample(asked: Asked, language: str, *, at: int) -> Sample | None:
    """Return the first message behind a yes; ``None`` if none comes before the end."""
    try:
        graph = journeys.graph_of(asked.version)
    except DefinitionError:  # nobody can go on there
        return None
    step = next(
        (s for s in _behind(graph, asked.step) if isinstance(graph.nodes[s].kind, Message)), None
    )
    ride = queries.first_person(asked, at)
    ways = asked.version.contents.get(step) if step else None
    if step is None or ride is None or not ways:
        return None
    channel, said = ways[0]
    number = said.get(language) or said.get("") or next(iter(said.values()))
    content = Content.objects.get(pk=number)
    given = values([ride.profile_id], at=at).get(ride.profile_id, {})
    try:
        made = Prepared.of(channel, content.sender, content.subject, content.text, content.details)
        inert = preview_links()
        links = {
            "unsubscribe_url": inert.unsubscribe_url,
            "preferences_url": inert.preferences_url,
        }
        told = {"coupon": "…", "order": "…"} | ride.data
        subject, text, _details = made.filled({**given, **links, "message": told})
    except PusulaError as error:
        return Sample(
            step, channel, content.subject, content.text, ride.profile_id, error.said(gettext)
        )
    return Sample(step, channel, subject, text, ride.profile_id)


def _behind(graph: Graph, step: str) -> Iterator[str]:
    """Yield the steps behind a yes: where a step parts, along its first way."""
    current = graph.nodes[step].ways.get(YES)
    for _n in range(_WALK):
        if current is None:
            return
        yield current
        node = graph.nodes[current]
        current = next(iter(node.ways.values()), node.next) if node.ways else node.next
