"""Orders (bookings are orders with a stay), their items, and the history of their changes."""

from __future__ import annotations

from django.db import models

from pusula.orders import machine
from pusula.profiles.models import Profile

_STATUS_CHOICES = [(state, state) for state in machine.STATES]


class Order(models.Model):
    """A purchase or booking in its present state; amounts in minor units of ``currency``."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="orders", db_index=False)
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
    adults = models.SmallIntegerField(null=True)
    children = models.SmallIntegerField(null=True)
    currency = models.CharField(max_length=3)
    gross_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()  # after discounts and refunds
    # The net and gross amount in the company's currency at the rate of the order's day.
    gross_base_minor = models.BigIntegerField()
    net_base_minor = models.BigIntegerField()
    recorded_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], name="order_once"),
        ]
        indexes = [
            models.Index(fields=["profile", "ordered_at"], name="order_by_profile"),
            models.Index(fields=["ordered_at"], name="order_by_time"),
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
