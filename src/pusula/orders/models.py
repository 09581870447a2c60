"""Orders (bookings are orders with a stay), their items, and the history of their changes."""

from __future__ import annotations

from django.db import models

from pusula.orders import machine
from pusula.profiles.models import Profile

_STATUS_CHOICES = [(state, state) for state in machine.STATES]


def _text(size: int) -> models.CharField[str, str]:
    """Return a column that is empty where nobody says anything."""
    return models.CharField(max_length=size, blank=True, default="", db_default="")


class Property(models.Model):
    """A hotel of the company; ``code`` is what stands in ``Order.property``."""

    code = models.CharField(max_length=120, unique=True)
    title = models.CharField(max_length=120, blank=True)
    region = models.CharField(max_length=120, blank=True)
    time_zone = models.CharField(max_length=60)
    # The night audit: until so many minutes past midnight the day before goes on.
    rollover_minutes = models.SmallIntegerField(default=0)


class Order(models.Model):
    """A purchase or booking in its present state; amounts in minor units of ``currency``."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="orders", db_index=False)
    origin_id = models.BigIntegerField(null=True)  # see profiles.models.Identifier
    source = models.CharField(max_length=60)
    source_id = models.CharField(max_length=120)  # the number in the source system
    status = models.CharField(max_length=12, choices=_STATUS_CHOICES)
    ordered_at = models.BigIntegerField()
    status_at = models.BigIntegerField()  # since when the status holds
    cancelled_at = models.BigIntegerField(null=True)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    property = models.CharField(max_length=120, blank=True)
    region = models.CharField(max_length=120, blank=True)
    room_type = models.CharField(max_length=80, blank=True)
    board = models.CharField(max_length=40, blank=True)
    channel = models.CharField(max_length=60, blank=True)
    rate_code = _text(40)
    market_code = _text(40)
    source_code = _text(40)  # where the booking came from, in the words of the hotel's system
    rooms = models.SmallIntegerField(null=True)
    cancel_reason = _text(20)  # one of machine.CANCEL_REASONS
    # What people and portals call the booking; no condition asks for these.
    confirmation_no = _text(60)
    channel_ref = _text(80)  # the number at the portal or agency
    group_id = _text(80)
    promo_code = _text(40)
    adults = models.SmallIntegerField(null=True)
    children = models.SmallIntegerField(null=True)
    currency = models.CharField(max_length=3)
    gross_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()  # after discounts and refunds
    # The net and gross amount in the company's currency at the rate of the order's day.
    gross_base_minor = models.BigIntegerField()
    net_base_minor = models.BigIntegerField()
    # When the source made the newest version it told us; null where it does not say.
    version_at = models.BigIntegerField(null=True)
    recorded_at = models.BigIntegerField()
    # Told by browsers alone, so that it may be made up: the first full word of another replaces it.
    is_claimed = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], name="order_once"),
        ]
        indexes = [
            models.Index(fields=["profile", "ordered_at"], name="order_by_profile"),
            models.Index(fields=["ordered_at"], name="order_by_time"),
            # A shop has none, which is seen at once.
            models.Index(
                fields=["starts_on"],
                condition=models.Q(starts_on__isnull=False),
                name="order_by_stay",
            ),
            models.Index(
                fields=["source", "confirmation_no"],
                condition=~models.Q(confirmation_no=""),
                name="order_by_confirmation",
            ),
        ]


class OrderItem(models.Model):
    """One line of an order, in the order's currency."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="items", db_index=False)
    line_no = models.IntegerField()
    sku = models.CharField(max_length=80, blank=True)
    name = models.CharField(max_length=200, blank=True)
    quantity = models.IntegerField()
    amount_minor = models.BigIntegerField()  # of the whole line

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "line_no"], name="order_item_once"),
        ]


class OrderChange(models.Model):
    """What an order looked like from ``changed_at`` on; the newest equals the order itself."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="changes", db_index=False)
    changed_at = models.BigIntegerField()  # when it became so in the source
    recorded_at = models.BigIntegerField()  # when Pusula learned of it
    profile = models.ForeignKey(
        Profile, models.CASCADE, related_name="order_changes", db_index=False
    )
    origin_id = models.BigIntegerField(null=True)
    status = models.CharField(max_length=12, choices=_STATUS_CHOICES)
    ordered_at = models.BigIntegerField()
    cancelled_at = models.BigIntegerField(null=True)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    property = models.CharField(max_length=120, blank=True)
    region = models.CharField(max_length=120, blank=True)
    room_type = models.CharField(max_length=80, blank=True)
    board = models.CharField(max_length=40, blank=True)
    channel = models.CharField(max_length=60, blank=True)
    rate_code = _text(40)
    market_code = _text(40)
    source_code = _text(40)
    rooms = models.SmallIntegerField(null=True)
    cancel_reason = _text(20)
    adults = models.SmallIntegerField(null=True)
    children = models.SmallIntegerField(null=True)
    gross_base_minor = models.BigIntegerField()
    net_base_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "changed_at", "status", "recorded_at"], name="order_change_once"
            ),
        ]
        indexes = [
            models.Index(fields=["order", "changed_at"], name="order_change_by_time"),
            models.Index(fields=["profile", "order"], name="order_change_by_profile"),
        ]


class AgeClass(models.TextChoices):
    """How old a guest is, as hotels count heads."""

    ADULT = "adult"
    CHILD = "child"
    INFANT = "infant"


class Stay(models.Model):
    """A part of a booking with one room type, rate and board; a booking has one or several."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="stays", db_index=False)
    line_no = models.IntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()  # the day of ``starts_on`` for a room used by day
    room_type = models.CharField(max_length=80, blank=True)
    rate_code = models.CharField(max_length=40, blank=True)
    board = models.CharField(max_length=40, blank=True)
    # 0: the room is shared with another booking, which counts it and pays for it.
    rooms = models.SmallIntegerField(default=1)
    adults = models.SmallIntegerField(null=True)
    children = models.SmallIntegerField(null=True)
    child_ages = models.JSONField(default=list)
    # Room revenue of each night, all rooms together, net of VAT and board if the source parts them.
    nightly_minor = models.JSONField(default=list)
    is_unpaid = models.BooleanField(default=False)  # complimentary or house use

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "line_no"], name="stay_once"),
        ]


class StayGuest(models.Model):
    """Somebody who stays with a booking; who booked it is its profile, a guest or not."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="guests", db_index=False)
    guest_no = models.IntegerField()
    # Null where the source names nobody we know, such as the second adult of a room.
    profile = models.ForeignKey(Profile, models.SET_NULL, null=True, related_name="guest_of")
    origin_id = models.BigIntegerField(null=True)  # the profile before a merge; null: this one
    is_primary = models.BooleanField(default=False)
    age_class = models.CharField(max_length=6, choices=AgeClass.choices, default=AgeClass.ADULT)
    age = models.SmallIntegerField(null=True)
    share_with = models.CharField(max_length=120, blank=True)  # number of the other booking

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "guest_no"], name="stay_guest_once"),
        ]
