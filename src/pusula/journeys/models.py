"""Journeys, their versions, who is on them, and what befell each step by step."""

from __future__ import annotations

from django.db import models

from pusula.journeys import machine
from pusula.orders.models import Order
from pusula.outbox.models import Message
from pusula.profiles.models import Profile


def _choices(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(word, word) for word in words]


class Journey(models.Model):
    """A journey: its key, and whether people come in and move."""

    key = models.SlugField(max_length=80, unique=True)
    state = models.CharField(max_length=8, choices=_choices(machine.STATES), default=machine.DRAFT)
    # The version people come in on; null until the first is published.
    version = models.ForeignKey("JourneyVersion", models.PROTECT, null=True, related_name="+")
    created_at = models.BigIntegerField()
    # What happened earlier brings nobody in: it is moved by publishing and by going on.
    since_at = models.BigIntegerField(null=True)
    # The dates of everybody are being planned as of that moment, up to this profile so far.
    planning_at = models.BigIntegerField(null=True)
    planned_to_id = models.BigIntegerField(default=0)

    @property
    def origin(self) -> str:
        """How the outbox calls who asked for a message."""
        return f"journey:{self.pk}"


class JourneyVersion(models.Model):
    """One definition of a journey; never changed once it is published."""

    journey = models.ForeignKey(Journey, models.CASCADE, related_name="versions")
    number = models.IntegerField()
    definition = models.JSONField()
    # What its messages say, frozen: {step: [[channel, {language: id of the content}], ...]}.
    contents = models.JSONField(default=dict)
    created_at = models.BigIntegerField()
    created_by = models.CharField(max_length=150, blank=True)  # a login; empty: the command line
    published_at = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["journey", "number"], name="journey_version_once"),
        ]


class Enrollment(models.Model):
    """One profile (and order) on one version of a journey, waiting or finished."""

    journey = models.ForeignKey(Journey, models.CASCADE, related_name="enrollments", db_index=False)
    version = models.ForeignKey(
        JourneyVersion, models.PROTECT, related_name="enrollments", db_index=False
    )
    profile = models.ForeignKey(Profile, models.CASCADE, related_name="enrollments")
    origin_id = models.BigIntegerField(null=True)  # see profiles.models.Identifier
    order = models.ForeignKey(
        Order, models.CASCADE, null=True, related_name="enrollments", db_index=False
    )
    entry_key = models.CharField(max_length=120)  # the occurrence that brought it: once for ever
    entry = models.CharField(max_length=20)  # the place in the definition: "entry:0"
    state = models.CharField(max_length=8, choices=_choices(machine.ENROLLMENT_STATES))
    node = models.CharField(max_length=60, blank=True)  # the step it waits at, or left from
    due_at = models.BigIntegerField(null=True)  # when it goes on though nothing happens
    waits_for = models.CharField(max_length=8, blank=True)
    is_holdout = models.BooleanField(default=False)
    entered_at = models.BigIntegerField()
    moved_at = models.BigIntegerField()  # when it came to the node
    finished_at = models.BigIntegerField(null=True)
    outcome = models.CharField(max_length=12, blank=True)
    data = models.JSONField(default=dict)  # what was kept for it: {"coupon": "A1B2"}
    # Why it could not move, since when it is put off; cleared when it moves.
    error = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["journey", "profile", "entry_key"], name="enrollment_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["journey", "due_at"],
                condition=models.Q(state="waiting"),
                name="enrollment_next",
            ),
            models.Index(
                fields=["profile"], condition=models.Q(state="waiting"), name="enrollment_waiting"
            ),
            models.Index(
                fields=["order"],
                condition=models.Q(order__isnull=False),
                name="enrollment_by_order",
            ),
            models.Index(fields=["version", "state", "node"], name="enrollment_by_node"),
            # Pages ask at each look who cannot go on: few, or nobody.
            models.Index(
                fields=["journey"],
                condition=models.Q(state="waiting") & ~models.Q(error=""),
                name="enrollment_failing",
            ),
        ]


class Passage(models.Model):
    """What befell an enrollment at one step; never changed."""

    enrollment = models.ForeignKey(Enrollment, models.CASCADE, related_name="passages")
    version = models.ForeignKey(JourneyVersion, models.CASCADE, related_name="+", db_index=False)
    step = models.CharField(max_length=60, blank=True)  # empty: coming in
    at = models.BigIntegerField()
    result = models.CharField(max_length=60)
    reason = models.CharField(max_length=100, blank=True)  # the place of what decided: "exit:0"
    is_exit = models.BooleanField(default=False)  # it left here; the result is the outcome

    class Meta:
        indexes = [
            models.Index(fields=["version", "step", "is_exit", "result"], name="passage_by_step"),
        ]


class Planned(models.Model):
    """A date at which somebody is to come in, or (no profile) a schedule's next time."""

    journey = models.ForeignKey(Journey, models.CASCADE, related_name="planned", db_index=False)
    entry = models.CharField(max_length=20)
    profile = models.ForeignKey(Profile, models.CASCADE, null=True, related_name="planned")
    origin_id = models.BigIntegerField(null=True)
    order = models.ForeignKey(
        Order, models.CASCADE, null=True, related_name="planned", db_index=False
    )
    due_at = models.BigIntegerField()
    key = models.CharField(max_length=60)  # names the date for whoever comes in: "at:…"
    after_id = models.BigIntegerField(default=0)  # of a schedule: how far its members are in

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["journey", "entry", "profile"],
                condition=models.Q(order__isnull=True),
                name="planned_profile_once",
            ),
            models.UniqueConstraint(
                fields=["order", "journey", "entry"], name="planned_order_once"
            ),
        ]
        indexes = [models.Index(fields=["journey", "due_at"], name="planned_next")]


class Task(models.Model):
    """What a person of the company is asked: to call somebody, or to approve."""

    enrollment = models.ForeignKey(Enrollment, models.CASCADE, related_name="tasks")
    step = models.CharField(max_length=60)
    is_call = models.BooleanField()  # else an approval
    # What was decided about the call, and when it is due; an approval has none.
    message = models.ForeignKey(Message, models.SET_NULL, null=True, related_name="tasks")
    created_at = models.BigIntegerField()
    until_at = models.BigIntegerField()
    # Who has the call in hand and until when: a login, or a list that was exported ("list:7").
    holder = models.CharField(max_length=150, blank=True)
    held_until_at = models.BigIntegerField(null=True)
    reserved_for = models.CharField(max_length=150, blank=True)  # whom the person wants back
    outcome = models.CharField(max_length=60, blank=True)  # "then": approved, "else": not
    note = models.TextField(blank=True)
    closed_at = models.BigIntegerField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)  # empty: time, or the way on

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrollment", "step"], name="task_once"),
            # Nobody has two people on the line.
            models.UniqueConstraint(
                fields=["holder"],
                condition=models.Q(holder__gt="") & ~models.Q(holder__startswith="list:"),
                name="task_one_in_hand",
            ),
        ]
        indexes = [
            models.Index(
                fields=["until_at"], condition=models.Q(closed_at__isnull=True), name="task_open"
            ),
            models.Index(
                fields=["held_until_at"], condition=models.Q(holder__gt=""), name="task_in_hand"
            ),
        ]
        permissions = [
            ("supervise_calls", "Can see all calls, export lists and take over outcomes"),
            ("decide_approvals", "Can approve and reject what journeys ask"),
        ]


class Attempt(models.Model):
    """What one call came to; never changed."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="attempts")
    result = models.CharField(max_length=60)  # an outcome of the step, or one of tasks.results
    note = models.TextField(blank=True)
    by = models.CharField(max_length=150)  # a login, or a list
    at = models.BigIntegerField()
    again_at = models.BigIntegerField(null=True)  # when it is tried again
    key = models.CharField(max_length=80, null=True, unique=True)  # of a row of a list: once


class CallList(models.Model):
    """Calls that were handed to another system as a file, until a moment."""

    created_at = models.BigIntegerField()
    created_by = models.CharField(max_length=150)
    until_at = models.BigIntegerField()  # then what has no outcome is back in line
    n_calls = models.IntegerField(default=0)

    @property
    def holder(self) -> str:
        """How tasks call it."""
        return f"list:{self.pk}"


class CouponPool(models.Model):
    """Codes of one kind, each given away once."""

    key = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200, blank=True)
    created_at = models.BigIntegerField()


class Coupon(models.Model):
    """A code; free until an enrollment has it."""

    pool = models.ForeignKey(CouponPool, models.CASCADE, related_name="coupons", db_index=False)
    code = models.CharField(max_length=80)
    enrollment = models.ForeignKey(Enrollment, models.SET_NULL, null=True, related_name="coupons")
    taken_at = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "code"], name="coupon_once")]
        indexes = [
            models.Index(
                fields=["pool", "id"],
                condition=models.Q(taken_at__isnull=True),
                name="coupon_free",
            ),
        ]


class Call(models.Model):
    """Something a program elsewhere is to be told; written with the move that says so."""

    dedupe_key = models.CharField(max_length=200, unique=True)
    enrollment = models.ForeignKey(Enrollment, models.CASCADE, related_name="calls")
    step = models.CharField(max_length=60)
    url = models.CharField(max_length=2000)
    due_at = models.BigIntegerField()
    n_attempts = models.SmallIntegerField(default=0)
    settled_at = models.BigIntegerField(null=True)  # told, or given up
    detail = models.CharField(max_length=400, blank=True)  # why not, or not yet

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(settled_at__isnull=True), name="call_due"
            ),
        ]


class Cursor(models.Model):
    """How far journeys have heard of the entries and exits of segments."""

    name = models.CharField(max_length=20, primary_key=True)
    value = models.BigIntegerField()
