"""Messages, what people did with them, and orders, at moments counted in days."""

from __future__ import annotations

from tests.outbox.people import mailing

from pusula.lib import clock
from pusula.orders.models import Order, OrderChange
from pusula.outbox import actions as outbox
from pusula.outbox.models import Content, Message, Receipt
from pusula.profiles.models import Profile
from pusula.segments.models import Membership, Segment, SegmentVersion

T0 = 1_790_000_000_000_000  # 21.09.2026


def at(day: float) -> int:
    return T0 + round(day * clock.DAY)


def sent(
    who: Profile,
    day: float,
    *,
    origin: str = "campaign:1",
    step: str = "",
    channel: str = "email",
    state: str = "sent",
    content: Content | None = None,
    order: Order | None = None,
    key: str = "",
) -> Message:
    """Let a message have left on ``day``."""
    when = at(day)
    key = key or f"{origin}:{step}:{who.pk}:{when}"
    outbox.reserve(
        [
            outbox.Draft(
                dedupe_key=key, origin=origin, step=step, profile_id=who.pk, channel=channel,
                content_id=(content or mailing()).pk, purpose="marketing",
                address=f"{key}@example.com"[:300], due_at=when, not_after_at=when,
                order_id=order.pk if order else None,
            )
        ]
    )  # fmt: skip
    mine = Message.objects.filter(dedupe_key=key)
    mine.update(state=state, settled_at=when, gated_at=when)
    return mine.get()


def heard(message: Message, kind: str, day: float, *, machine: bool = False) -> Receipt:
    return Receipt.objects.create(message=message, kind=kind, at=at(day), is_machine=machine)


def bought(who: Profile, day: float, minor: int = 100_00, *, status: str = "completed") -> Order:
    when = at(day)
    amounts = {"gross_base_minor": minor, "net_base_minor": minor}
    order = Order.objects.create(
        profile=who, source="shop", source_id=f"{who.pk}:{when}:{minor}", status=status,
        ordered_at=when, status_at=when, recorded_at=when, currency="TRY", gross_minor=minor,
        net_minor=minor, **amounts,
    )  # fmt: skip
    OrderChange.objects.create(
        order=order, profile=who, status=status, changed_at=when, recorded_at=when,
        ordered_at=when, **amounts,
    )  # fmt: skip
    return order


def cancel(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(status="cancelled")


def segment(key: str = "loyal") -> Segment:
    made = Segment.objects.create(key=key, created_at=0)
    made.version = SegmentVersion.objects.create(
        segment=made, number=1, definition={"title": {"tr": key, "en": key}}, created_at=0
    )
    made.save()
    return made


def was_in(made: Segment, who: Profile, since: float, until: float | None = None) -> None:
    Membership.objects.create(
        segment=made, profile=who, version=made.version, entered_at=at(since),
        left_at=None if until is None else at(until), cause="run",
    )  # fmt: skip
