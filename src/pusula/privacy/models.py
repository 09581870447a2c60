"""The audit log, the requests of people about their data, exports, and erasures store by store."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class AuditHead(models.Model):
    """The one row that counts the audit log; its lock makes the order of entries one chain."""

    n = models.BigIntegerField()  # the number of the newest entry
    digest = models.CharField(max_length=64)  # of the newest entry
    # What was forgotten by age: the chain begins behind this entry.
    kept_after = models.BigIntegerField(default=0)
    kept_after_digest = models.CharField(max_length=64)


class AuditEntry(models.Model):
    """That somebody changed or disclosed something; never changed, never about a person by name.

    ``id`` is counted by ``AuditHead``: 1, 2, 3 ... in the order of the commits.
    """

    at = models.BigIntegerField()
    actor = models.CharField(max_length=170)  # a login, "cli:" and a user of the machine, "system"
    verb = models.CharField(max_length=60, db_index=True)
    object = models.CharField(max_length=120, blank=True, db_index=True)
    detail = models.TextField()  # canonical JSON, as it was hashed
    digest = models.CharField(max_length=64)  # SHA-256 of this entry and the digest before it


class RequestKind(models.TextChoices):
    """What a person asks for."""

    ACCESS = "access", _("Access to their data")
    RECTIFY = "rectify", _("Correction")
    ERASE = "erase", _("Erasure")
    OBJECT = "object_profiling", _("Objection to profiling")


class Proof(models.TextChoices):
    """How we know that it is this person who asks."""

    NONE = "", _("Not checked yet")
    KEP = "kep", _("Registered electronic mail (KEP)")
    SIGNATURE = "signature", _("Electronic or mobile signature")
    EMAIL = "email", _("An e-mail address we know")
    PERSON = "person", _("In person, with a document")
    CALL = "call", _("Called back on a number we know")


class RequestState(models.TextChoices):
    """How far a request is."""

    OPEN = "open", pgettext_lazy("state of a request", "Open")
    WORKING = "working", _("Being carried out")
    ANSWERED = "answered", _("Answered")
    REFUSED = "refused", _("Refused with reasons")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Request(models.Model):
    """What a person asked of us about their data, and our answer within 30 days.

    The person is named by number alone, so that erasing them leaves the record.
    """

    kind = models.CharField(max_length=16, choices=RequestKind.choices)
    profile_id = models.BigIntegerField(db_index=True)
    proof = models.CharField(max_length=10, choices=Proof.choices, blank=True)
    note = models.CharField(max_length=1_000, blank=True)  # emptied with the person
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.OPEN)
    answer = models.CharField(max_length=1_000, blank=True)  # emptied with the person
    received_at = models.BigIntegerField()
    due_at = models.BigIntegerField()
    recorded_by = models.CharField(max_length=170)
    settled_at = models.BigIntegerField(null=True)
    settled_by = models.CharField(max_length=170, blank=True)


class Export(models.Model):
    """All we hold of a person, packed into a file that goes after a day; the record stays."""

    profile_id = models.BigIntegerField()
    request = models.ForeignKey(Request, models.PROTECT, null=True, related_name="exports")
    reason = models.CharField(max_length=200)
    asked_by = models.CharField(max_length=170)
    file_name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)  # SHA-256 of the file
    n_rows = models.IntegerField()
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    removed_at = models.BigIntegerField(null=True)


class Erasure(models.Model):
    """The erasure of one person from every store; resumed until all its steps are done."""

    profile_id = models.BigIntegerField(db_index=True)
    merged_ids = models.JSONField(default=list)  # numbers of profiles merged into it
    request = models.ForeignKey(Request, models.PROTECT, null=True, related_name="erasures")
    asked_by = models.CharField(max_length=170)
    asked_at = models.BigIntegerField()
    finished_at = models.BigIntegerField(null=True)

    @property
    def numbers(self) -> list[int]:
        """All numbers under which the person was known."""
        return [self.profile_id, *self.merged_ids]


class ErasureStep(models.Model):
    """One store of an erasure: what is done there, how far, and when it was done."""

    erasure = models.ForeignKey(Erasure, models.CASCADE, related_name="steps")
    position = models.SmallIntegerField()
    store = models.CharField(max_length=20)
    n = models.IntegerField(default=0)  # rows, entries, files
    cursor = models.BigIntegerField(default=0)  # how far it came, in its own numbers
    started_at = models.BigIntegerField(null=True)
    finished_at = models.BigIntegerField(null=True)
    error = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["erasure", "store"], name="erasure_step_once"),
        ]


class ErasedCount(models.Model):
    """How many erased people something counted: all that is left of them in a campaign."""

    what = models.CharField(max_length=120, unique=True)  # campaign:bodrum/treated
    n = models.IntegerField(default=0)


class Retention(models.Model):
    """For how many days one kind of data is kept; null: for as long as the installation."""

    kind = models.CharField(max_length=20, primary_key=True)
    days = models.IntegerField(null=True)
    changed_at = models.BigIntegerField()
    changed_by = models.CharField(max_length=170)


class RetentionRun(models.Model):
    """That old data was deleted, and how much of each kind: kept as proof."""

    at = models.BigIntegerField()
    actor = models.CharField(max_length=170)
    counts = models.JSONField(default=dict)
