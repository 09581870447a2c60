"""The consent ledger, its present state, and suppressed addresses."""

from __future__ import annotations

from django.db import models

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
    channel = models.CharField(max_length=10, choices=Channel.choices)
    purpose = models.CharField(max_length=30)
    status = models.CharField(max_length=8, choices=Status.choices)
    source = models.CharField(max_length=60)
    evidence = models.CharField(max_length=400, blank=True)
    decided_at = models.BigIntegerField()
    recorded_at = models.BigIntegerField()
    dedupe_key = models.CharField(max_length=200, unique=True)


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


class Suppression(models.Model):
    """An address we must not send to, whoever it belongs to."""

    channel = models.CharField(max_length=10, choices=Channel.choices)
    address = models.CharField(max_length=320)
    reason = models.CharField(max_length=30)  # hard_bounce, complaint, manual
    detail = models.CharField(max_length=400, blank=True)
    since_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "address"], name="suppression_once"),
        ]
