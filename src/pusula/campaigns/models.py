"""Campaigns, their templates, and who was assigned to what."""

from __future__ import annotations

from django.db import models

from pusula.campaigns import machine
from pusula.consent.models import Channel
from pusula.outbox.candidates import SKIP, WAIT
from pusula.outbox.models import Content
from pusula.profiles.models import Profile
from pusula.segments.models import Segment


class Template(models.Model):
    """Reusable content of one channel in Liquid, as it is now; see ``templates``."""

    name = models.CharField(max_length=120, unique=True)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    subject = models.TextField(blank=True)  # the title of a push; SMS and WhatsApp have none
    preheader = models.TextField(blank=True)  # what an inbox shows behind the subject
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)  # or MJML; of e-mail only
    details = models.JSONField(default=dict)  # what only its channel has: see outbox.outgoing
    # The same in other languages, by tag: {"en": {"subject": …}}; who reads none gets the above.
    languages = models.JSONField(default=dict)
    number = models.IntegerField(default=0)  # of its newest version; 0: none was pinned yet
    updated_at = models.BigIntegerField()
    archived_at = models.BigIntegerField(null=True)


class TemplateVersion(models.Model):
    """What a template said from ``made_at`` on; never changed."""

    template = models.ForeignKey(Template, models.CASCADE, related_name="versions")
    number = models.IntegerField()
    says = models.JSONField()  # by language, "" for everybody: see templates.Says
    # Whether the interpreter fills it, because its function was found to say something else.
    is_interpreted = models.BooleanField(default=False)
    note = models.CharField(max_length=200, blank=True)
    made_at = models.BigIntegerField()
    made_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="template_version_once"),
        ]


class FrozenTemplate(models.Model):
    """Which version of a template, in which language, a content was frozen from."""

    content = models.OneToOneField(Content, models.CASCADE, related_name="+")
    version = models.ForeignKey(TemplateVersion, models.PROTECT, related_name="frozen")
    language = models.CharField(max_length=5, blank=True)


class TeamKind(models.TextChoices):
    """What test messages of the team can be sent to."""

    EMAIL = "email"
    PHONE = "phone"  # for SMS and WhatsApp
    BROWSER = "browser"  # for web pushes


class TeamAddress(models.Model):
    """What is the company's own people's, to send test messages to once it is verified."""

    kind = models.CharField(max_length=7, choices=TeamKind.choices, default=TeamKind.EMAIL)
    # An e-mail address, a number, or the digest of a browser's endpoint.
    address = models.CharField(max_length=320, unique=True)
    name = models.CharField(max_length=120, blank=True)  # what people call a browser
    told = models.JSONField(default=dict)  # of a browser: what a push to it needs
    asked_by = models.CharField(max_length=150)
    asked_at = models.BigIntegerField()
    mailed_at = models.BigIntegerField(null=True)  # when the link left
    digest = models.CharField(max_length=64, blank=True)  # of the link's token, or of the code
    n_tries = models.SmallIntegerField(default=0)  # wrong codes typed
    verified_at = models.BigIntegerField(null=True)
    revoked_at = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        """Return what people call it."""
        return self.name or self.address


class Trial(models.Model):
    """A message as one customer would get it, sent to the team to look at; counted nowhere."""

    to = models.ForeignKey(TeamAddress, models.PROTECT, related_name="trials")
    content = models.ForeignKey(Content, models.PROTECT, related_name="+")
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    as_customer = models.BigIntegerField(null=True)  # whose values fill it; forgotten once sent
    asked_by = models.CharField(max_length=150)
    asked_at = models.BigIntegerField(db_index=True)
    taken_at = models.BigIntegerField(null=True)  # by a sender; never tried again
    sent_at = models.BigIntegerField(null=True)
    problem = models.CharField(max_length=400, blank=True)


class Goal(models.TextChoices):
    """What a campaign is for."""

    LOYALTY = "loyalty"
    CROSS_SELL = "cross_sell"
    UPSELL = "upsell"


class Arm(models.TextChoices):
    """What a campaign did with a candidate."""

    TREATED = "treated"
    HOLDOUT = "holdout"
    EXCLUDED = "excluded"


class Campaign(models.Model):
    """Goal, audience, exclusions, holdout, window, cost: the unit of plan and measure."""

    key = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    goal = models.CharField(max_length=12, choices=Goal.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    purpose = models.CharField(max_length=30, default="marketing")
    is_commercial = models.BooleanField(default=True)  # else it tells of what somebody booked
    priority = models.SmallIntegerField(default=5)  # 1 is served first, 9 last
    in_quiet_hours = models.CharField(  # what becomes of a message that would come at night
        max_length=4, choices=[(WAIT, WAIT), (SKIP, SKIP)], default=WAIT
    )
    not_after_hours = models.SmallIntegerField(default=24)  # later than that nobody gets it
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in machine.STATES], default=machine.DRAFT
    )
    starts_at = models.BigIntegerField(null=True)  # of a scheduled one
    scheduled_at = models.BigIntegerField(null=True)  # when somebody agreed to it
    agreed_n = models.IntegerField(null=True)  # to how many people
    trouble = models.CharField(max_length=400, blank=True)  # why it did not begin at its moment
    audience = models.ManyToManyField(Segment, related_name="audience_of")
    exclusions = models.ManyToManyField(Segment, related_name="excluded_from")
    template = models.ForeignKey(Template, models.PROTECT, null=True, related_name="campaigns")
    content = models.ForeignKey(Content, models.PROTECT, null=True, related_name="+")
    holdout_share = models.FloatField(default=0.1)  # 0..0.9 of the eligible
    # [[name, share of the treated], ...]; empty where there is one way to be treated.
    variants = models.JSONField(default=list)
    window_days = models.SmallIntegerField(default=14)
    # What conversion means: "" for an order placed in the window, else the name of an event.
    conversion_event = models.CharField(max_length=100, blank=True)
    currency = models.CharField(max_length=3)
    # Of each message sent; null: what the company's prices say, of SMS for each part.
    message_cost_minor = models.BigIntegerField(null=True)
    fixed_cost_minor = models.BigIntegerField(default=0)
    margin = models.FloatField(default=1.0)  # share of net revenue that is profit, for ROI
    is_adopted = models.BooleanField(default=False)  # it ran elsewhere; we only measure it
    created_at = models.BigIntegerField()
    started_at = models.BigIntegerField(null=True)
    window_ends_at = models.BigIntegerField(null=True)

    @property
    def origin(self) -> str:
        """How the outbox calls who asked for a message."""
        return f"campaign:{self.pk}"


class Assignment(models.Model):
    """What a campaign decided about one candidate, once: treated, holdout, or excluded and why."""

    campaign = models.ForeignKey(
        Campaign, models.CASCADE, related_name="assignments", db_index=False
    )
    profile = models.ForeignKey(Profile, models.CASCADE, related_name="assignments")
    origin_id = models.BigIntegerField(null=True)  # see profiles.models.Identifier
    arm = models.CharField(max_length=8, choices=Arm.choices)
    variant = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=100, blank=True)  # why excluded; "segment:" and its key
    assigned_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "profile"], name="assignment_once"),
        ]
