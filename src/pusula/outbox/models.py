"""Messages, their frozen content, what became of them, who is sending, and under which limits."""

from __future__ import annotations

from django.db import models

from pusula.channels.whatsapp.approvals import BLOCKED
from pusula.consent.models import Channel
from pusula.outbox import machine
from pusula.profiles.models import Profile

# The detail of a content that keeps it from being made a function: the interpreter fills it.
INTERPRETED = "interpreter"


class Content(models.Model):
    """What a batch of messages says, frozen at the moment they were reserved."""

    channel = models.CharField(max_length=10, choices=Channel.choices)
    sender = models.CharField(max_length=200)  # "Name <address>" of the From line
    subject = models.TextField()
    text = models.TextField()
    html = models.TextField()
    details = models.JSONField(default=dict)  # what only this channel has: see outbox.posting
    created_at = models.BigIntegerField()


class Message(models.Model):
    """One thing for one profile on one channel."""

    dedupe_key = models.CharField(max_length=200, unique=True)
    origin = models.CharField(max_length=80)  # who asked for it: "campaign:12"
    step = models.CharField(max_length=80, blank=True)  # of a journey; a mailing has none
    profile = models.ForeignKey(Profile, models.CASCADE, related_name="messages", db_index=False)
    origin_id = models.BigIntegerField(null=True)  # of the profile: see profiles.models.Identifier
    order_id = models.BigIntegerField(null=True)  # the order it is about
    content = models.ForeignKey(Content, models.PROTECT, related_name="messages")
    variables = models.JSONField(default=dict)  # what it says beyond the profile, by name
    channel = models.CharField(max_length=10, choices=Channel.choices)
    purpose = models.CharField(max_length=30)
    # Whether it needs an approval (law 6563), or only tells of what somebody booked or bought.
    is_commercial = models.BooleanField(default=True)
    priority = models.SmallIntegerField(default=5)  # 1 is served first, 9 last
    policy = models.IntegerField(default=0)  # the number of the policy it was decided under
    address = models.CharField(max_length=320)
    token = models.CharField(max_length=32, unique=True)  # opaque name of the message in links
    state = models.CharField(
        max_length=8, choices=[(s, s) for s in machine.STATES], default=machine.PENDING
    )
    reason = models.CharField(max_length=40, blank=True)  # why skipped, failed or unknown
    detail = models.CharField(max_length=400, blank=True)  # the next hop's own words
    provider_id = models.CharField(max_length=120, blank=True)  # what the next hop calls it
    owner = models.CharField(max_length=32, blank=True)  # the sender that has claimed it
    n_attempts = models.SmallIntegerField(default=0)
    n_parts = models.SmallIntegerField(null=True)  # of an SMS as it left; null: one
    due_at = models.BigIntegerField()
    not_after_at = models.BigIntegerField()  # worthless later than this
    open_until_at = models.BigIntegerField(null=True)  # then quiet hours begin for the person
    created_at = models.BigIntegerField()
    gated_at = models.BigIntegerField(null=True)
    settled_at = models.BigIntegerField(null=True)  # when it reached a final state

    class Meta:
        indexes = [
            # With the id: everybody of a mailing is due at the same moment. Only of what waits: a
            # move writes to every index that knows the state.
            models.Index(
                fields=["due_at", "id"],
                condition=models.Q(state=machine.PENDING),
                name="message_in_line",
            ),
            models.Index(fields=["due_at"], name="message_by_due"),
            # Of the few that did not arrive as they should. Written with "or": SQLite sees no other
            # way that the state asked for is one of them.
            models.Index(
                fields=["state", "due_at"],
                condition=models.Q(state=machine.SKIPPED)
                | models.Q(state=machine.FAILED)
                | models.Q(state=machine.UNKNOWN),
                name="message_not_sent",
            ),
            models.Index(fields=["origin", "state"], name="message_by_origin"),
            models.Index(
                fields=["owner"], condition=models.Q(owner__gt=""), name="message_by_owner"
            ),
            # What may still count under a cap: nothing leaves later than its last moment.
            models.Index(fields=["profile", "not_after_at"], name="message_by_profile"),
            models.Index(
                fields=["provider_id"],
                condition=models.Q(provider_id__gt=""),
                name="message_by_provider_id",
            ),
            # What only informs, past all that waits for room in a budget.
            models.Index(
                fields=["state", "due_at", "id"],
                condition=models.Q(state=machine.PENDING, is_commercial=False),
                name="message_informing",
            ),
        ]
        constraints = [
            # An inbox gets one copy of a mailing, whatever two senders do at the same moment.
            models.UniqueConstraint(
                fields=["origin", "channel", "address"],
                condition=models.Q(state__in=machine.TAKEN, step=""),
                name="message_once_per_address",
            ),
        ]
        permissions = [
            ("write_from_card", "Can send a message to one customer from the card"),
        ]


class ReceiptKind(models.TextChoices):
    """What became of a message after it left."""

    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"  # there is nobody at the address, for good
    SOFT_BOUNCED = "soft_bounced"  # full, out of reach: may be different tomorrow
    REJECTED = "rejected"  # refused after it was taken
    COMPLAINED = "complained"


class Receipt(models.Model):
    """Something that became of a message; machine hits are kept and marked."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="receipts")
    kind = models.CharField(max_length=14, choices=ReceiptKind.choices)
    at = models.BigIntegerField()
    is_machine = models.BooleanField(default=False)
    url = models.CharField(max_length=2000, blank=True)
    # Of what a provider told: the same whenever it tells the same again; and its own words.
    key = models.CharField(max_length=200, null=True, unique=True)
    detail = models.CharField(max_length=400, blank=True)


class Sender(models.Model):
    """A running sender; it lives while it holds its lock, or its heartbeat is fresh elsewhere."""

    owner = models.CharField(max_length=32, unique=True)
    host = models.CharField(max_length=120)
    started_at = models.BigIntegerField()
    heartbeat_at = models.BigIntegerField()


# The origin of a hold of everything that only a person's confirmation lifts: see outbox.fence.
FENCE = "fence"


class Hold(models.Model):
    """Sending is held back, for one origin or (an empty one) for all, until somebody lifts it."""

    origin = models.CharField(max_length=80, unique=True, blank=True)
    reason = models.CharField(max_length=40)  # paused, policy, restored, cloned, clock
    detail = models.CharField(max_length=400, blank=True)
    since_at = models.BigIntegerField()


def channel_hold(channel: str) -> str:
    """Return the ``origin`` of a hold of one channel."""
    return f"channel:{channel}"


class PushSubscription(models.Model):
    """A browser that shows our pushes; ``address`` is what messages and consents call it."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="push_subscriptions")
    origin_id = models.BigIntegerField(null=True)  # of the profile: see profiles.models.Identifier
    address = models.CharField(max_length=40, unique=True)  # a digest of the endpoint
    endpoint = models.TextField()
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    vapid_key = models.CharField(max_length=100)  # the public key it was made with: it needs that
    source = models.CharField(max_length=60)
    subscribed_at = models.BigIntegerField()


class Policy(models.Model):
    """A version of the limits on all messages; the highest number holds."""

    number = models.IntegerField(unique=True)
    definition = models.JSONField(default=dict)  # see rules.policy
    memory = models.BigIntegerField(default=0)  # how far back messages count, in microseconds
    note = models.CharField(max_length=400, blank=True)  # why it was changed
    applied_at = models.BigIntegerField()
    applied_by = models.CharField(max_length=150, blank=True)


class Spent(models.Model):
    """How many messages of a channel passed the gate in an hour or on a day; see ``room``."""

    channel = models.CharField(max_length=10, choices=Channel.choices)
    per = models.CharField(max_length=4)  # hour or day: see rules.policy.Budget
    start_at = models.BigIntegerField()
    n = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "per", "start_at"], name="spent_once"),
        ]


class Approval(models.Model):
    """What Meta says of an approved WhatsApp template, in its own words, and since when."""

    name = models.CharField(max_length=512)
    language = models.CharField(max_length=15)
    status = models.CharField(max_length=30, blank=True)
    status_at = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=400, blank=True)  # of the status
    category = models.CharField(max_length=30, blank=True)
    category_at = models.BigIntegerField(default=0)
    next_category = models.CharField(max_length=30, blank=True)  # which it will get
    quality = models.CharField(max_length=30, blank=True)
    quality_at = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "language"], name="approval_once"),
        ]

    @property
    def is_blocked(self) -> bool:
        """Whether no message may leave with it."""
        return self.status in BLOCKED


class Price(models.Model):
    """What a message of a channel (of SMS each part) costs from a moment on; see ``prices``."""

    channel = models.CharField(max_length=10, choices=Channel.choices)
    micro = models.BigIntegerField()  # millionths of one unit of the company's currency
    from_at = models.BigIntegerField()
    set_by = models.CharField(max_length=150, blank=True)


class Anchor(models.Model):
    """A home that sends from this database: its number grows here first, then in its own file."""

    name = models.CharField(max_length=32, unique=True)
    pulse = models.BigIntegerField()
    seen_at = models.BigIntegerField()
