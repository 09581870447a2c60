"""The consent ledger, its present state, suppressed addresses, and what İYS was told."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from pusula.profiles.models import Profile


class Channel(models.TextChoices):
    """The ways to reach a person."""

    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    CALL = "call"
    WEBPUSH = "webpush"


class Status(models.TextChoices):
    """What a person decided."""

    GRANTED = "granted"
    REFUSED = "refused"


class ConsentEntry(models.Model):
    """One decision for a channel and purpose, with its evidence; never changed, never deleted."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="consent_entries")
    origin_id = models.BigIntegerField(null=True)  # see profiles.models.Identifier
    channel = models.CharField(max_length=10, choices=Channel.choices)
    purpose = models.CharField(max_length=30)
    status = models.CharField(max_length=8, choices=Status.choices)
    source = models.CharField(max_length=60)
    # The contact point the decision speaks of, spelled as in identifiers; empty: of the person, on
    # whatever address. A grant opens this address alone, a refusal closes it for whoever holds it.
    address = models.CharField(max_length=320, blank=True)
    evidence = models.CharField(max_length=400, blank=True)  # in words; empty: there is none
    proof = models.JSONField(default=dict)  # the same in parts: see consent.proofs
    decided_at = models.BigIntegerField()
    recorded_at = models.BigIntegerField()
    dedupe_key = models.CharField(max_length=200, unique=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["address"], condition=models.Q(address__gt=""), name="consent_by_address"
            ),
        ]


class Consent(models.Model):
    """The decision that holds now: derived from the ledger, kept for the gate and the segments."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="consents", db_index=False)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    purpose = models.CharField(max_length=30)
    status = models.CharField(max_length=8, choices=Status.choices)
    decided_at = models.BigIntegerField()
    entry = models.ForeignKey(ConsentEntry, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["profile", "channel", "purpose"], name="consent_once"),
        ]


class Purpose(models.Model):
    """A purpose of this company's own, beside those of ``consent.purposes``."""

    slug = models.CharField(max_length=30, unique=True)
    title_tr = models.CharField(max_length=80)
    title_en = models.CharField(max_length=80)
    is_commercial = models.BooleanField(default=True)  # its messages need an approval
    created_at = models.BigIntegerField()


class ConsentText(models.Model):
    """What a person read before deciding, word for word; a new wording is a new version."""

    purpose = models.CharField(max_length=30)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    language = models.CharField(max_length=2)
    version = models.SmallIntegerField()
    text = models.TextField()
    digest = models.CharField(max_length=64)  # SHA-256 of the text
    created_at = models.BigIntegerField()
    created_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["purpose", "channel", "language", "version"], name="consent_text_once"
            ),
        ]

    @property
    def name(self) -> str:
        """How evidence names the text: ``marketing/email/tr/3``."""
        return f"{self.purpose}/{self.channel}/{self.language}/{self.version}"


class Reason(models.TextChoices):
    """Why an address is suppressed."""

    HARD_BOUNCE = "hard_bounce", _("The mailbox does not exist")
    COMPLAINT = "complaint", _("Reported as spam")
    MANUAL = "manual", _("Blocked by us")
    ERASED = "erased", _("The person was erased")
    IMPORTED = "imported", _("Blocked in another system")
    WRONG_NUMBER = "wrong_number", _("The number is somebody else's")


class Scope(models.TextChoices):
    """What a suppression stops."""

    ALL = "all", _("Every message")
    COMMERCIAL = "commercial", _("Commercial messages")


class Suppression(models.Model):
    """An address we must not send to, whoever it belongs to, until somebody lifts it.

    ``digest`` is a keyed hash of channel and address. Of a person who was erased only that stays:
    ``address`` is empty then, and the address is known again should anybody bring it.
    """

    channel = models.CharField(max_length=10, choices=Channel.choices)
    address = models.CharField(max_length=320, blank=True, db_index=True)
    digest = models.CharField(max_length=43)
    reason = models.CharField(max_length=30)  # see Reason; older rows may hold other words
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.ALL)
    detail = models.CharField(max_length=400, blank=True)
    since_at = models.BigIntegerField()
    lifted_at = models.BigIntegerField(null=True)
    lifted_by = models.CharField(max_length=150, blank=True)
    lift_reason = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "digest"],
                condition=models.Q(lifted_at__isnull=True),
                name="suppression_once",
            ),
        ]
        indexes = [
            # The gate asks for every message: this address, or one of which only a hash is left.
            models.Index(
                fields=["channel", "address"],
                condition=models.Q(lifted_at__isnull=True),
                name="suppression_standing",
            ),
        ]


class SignUpForm(models.Model):
    """A form by which people ask for messages; what it may ask for is decided here, not there."""

    slug = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=120)
    purposes = models.JSONField(default=list)  # slugs; each is agreed to on its own
    origins = models.JSONField(default=list)  # web origins whose pages show it; empty: any
    most_an_hour = models.IntegerField(default=600)  # requests; more than that is an attack
    is_open = models.BooleanField(default=True)
    created_at = models.BigIntegerField()


class SignUp(models.Model):
    """Somebody asked a form for messages to an address; nothing holds before it is confirmed."""

    form = models.ForeignKey(SignUpForm, models.CASCADE, related_name="sign_ups")
    digest = models.CharField(max_length=43)  # of the address, as in Suppression
    address = models.CharField(max_length=320, blank=True)  # empty again when it is settled
    token = models.CharField(max_length=32, unique=True)
    language = models.CharField(max_length=2)
    purposes = models.JSONField(default=list)
    network = models.CharField(max_length=45, blank=True)  # the sender's, cut to /24 or /48
    asked_at = models.BigIntegerField()
    is_muted = models.BooleanField(default=False)  # a limit was reached, or a robot asked: no mail
    mailed_at = models.BigIntegerField(null=True)  # when the one mail was let go; never repeated
    confirmed_at = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["digest", "asked_at"], name="sign_up_by_digest"),
            models.Index(fields=["network", "asked_at"], name="sign_up_by_network"),
            models.Index(
                fields=["asked_at"],
                condition=models.Q(mailed_at__isnull=True, is_muted=False),
                name="sign_up_to_mail",
            ),
        ]


class SignUpTurn(models.Model):
    """When an address last had its turn to be mailed for a sign-up; one row decides who has it."""

    digest = models.CharField(max_length=43, unique=True)  # as in SignUp
    taken_at = models.BigIntegerField()


class RecipientType(models.TextChoices):
    """Who a recipient is to İYS."""

    PERSON = "BIREYSEL", _("Consumer")
    MERCHANT = "TACIR", _("Merchant")


class IysType(models.TextChoices):
    """The channels of İYS."""

    CALL = "ARAMA", _("Call")
    SMS = "MESAJ", _("SMS")
    EMAIL = "EPOSTA", _("E-mail")


class IysStatus(models.TextChoices):
    """What İYS holds of a recipient."""

    APPROVED = "ONAY", _("Approved")
    REFUSED = "RET", _("Refused")


class IysAccount(models.Model):
    """How the company stands to İYS, the national registry of message consents; one row."""

    slug = models.CharField(max_length=40, unique=True)  # of the source that talks to it
    is_enforced = models.BooleanField(default=False)  # nothing leaves without an approval there
    fresh_days = models.SmallIntegerField(default=7)  # an older confirmation counts for nothing
    default_source = models.CharField(max_length=30, default="HS_EORTAM")
    sources = models.JSONField(default=dict)  # by the source of ours, the HS_ word of İYS
    read_at = models.BigIntegerField(null=True)  # its changes are known up to here
    compared_at = models.BigIntegerField(null=True)  # when every recipient was last asked for
    created_at = models.BigIntegerField()


class IysRecord(models.Model):
    """What İYS says of a recipient, as we last heard."""

    type = models.CharField(max_length=6, choices=IysType.choices)
    recipient = models.CharField(max_length=320)
    recipient_type = models.CharField(max_length=8, choices=RecipientType.choices)
    status = models.CharField(max_length=4, choices=IysStatus.choices)
    source = models.CharField(max_length=40, blank=True)  # an open list: İYS adds to it
    decided_at = models.BigIntegerField()  # its consentDate
    created_at = models.BigIntegerField()  # its creationDate
    transaction_id = models.CharField(max_length=80, blank=True)
    since_at = models.BigIntegerField()  # when we learned of this status
    confirmed_at = models.BigIntegerField()  # when we last heard that it is so

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "type", "recipient_type"], name="iys_record_once"
            ),
        ]


class IysState(models.TextChoices):
    """How far a decision is on its way to İYS."""

    PENDING = "pending", _("Waiting to be told")
    SUBMITTED = "submitted", _("Told, no answer yet")
    REGISTERED = "registered", pgettext_lazy("state at İYS", "Registered")
    REJECTED = "rejected", _("Rejected")
    NOT_NEEDED = "not_needed", _("Not needed")


class IysSubmission(models.Model):
    """One decision for one recipient on its way to İYS."""

    dedupe_key = models.CharField(max_length=64, unique=True)
    type = models.CharField(max_length=6, choices=IysType.choices)
    recipient = models.CharField(max_length=320)
    recipient_type = models.CharField(max_length=8, choices=RecipientType.choices)
    status = models.CharField(max_length=4, choices=IysStatus.choices)
    source = models.CharField(max_length=40)
    decided_at = models.BigIntegerField()
    due_at = models.BigIntegerField()  # told later it is void
    state = models.CharField(max_length=10, choices=IysState.choices, default=IysState.PENDING)
    request_id = models.CharField(max_length=80, blank=True)  # of the batch it went with
    position = models.IntegerField(default=0)  # in that batch
    transaction_id = models.CharField(max_length=80, blank=True)
    code = models.CharField(max_length=40, blank=True)  # why it was rejected or not needed
    detail = models.CharField(max_length=400, blank=True)
    n_attempts = models.SmallIntegerField(default=0)
    created_at = models.BigIntegerField()
    settled_at = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "due_at"], name="iys_submission_in_line"),
            models.Index(fields=["recipient"], name="iys_submission_by_recipient"),
            models.Index(
                fields=["request_id"],
                condition=models.Q(request_id__gt=""),
                name="iys_submission_by_request",
            ),
        ]
