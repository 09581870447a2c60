"""Sources, the keys that speak for them, and imports: which file was read, what became of it."""

from __future__ import annotations

from django.db import models


class SourceKind(models.TextChoices):
    """How the data of a source comes."""

    WEBSITE = "website"  # browsers and apps through the tracking API
    SERVER = "server"  # our own programs through the tracking API
    FILE = "file"
    OTA = "ota"  # OTA XML pushed by a channel manager, CRS or booking portal
    MEWS = "mews"
    OPERA = "opera"
    ELEKTRAWEB = "elektraweb"
    CALLS = "calls"
    IYS = "iys"


class Source(models.Model):
    """A system data comes from; ``slug`` stands before its numbers and in each row it brought."""

    slug = models.CharField(max_length=40, unique=True)  # letters, digits, dashes; never changes
    title = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=12, choices=SourceKind.choices)
    # What an adapter needs to be told; secrets stand in the home folder or environment, not here.
    settings = models.JSONField(default=dict)
    cursor = models.JSONField(default=dict)  # how far an adapter has read, in its own words
    is_enabled = models.BooleanField(default=True)
    # Longer than this without data and the source is late; null: nobody expects anything.
    expected_every_s = models.IntegerField(null=True)
    created_at = models.BigIntegerField()
    last_data_at = models.BigIntegerField(null=True)
    last_ok_at = models.BigIntegerField(null=True)  # when it was last asked without an error
    last_error = models.TextField(blank=True)  # as kept: see health
    last_error_at = models.BigIntegerField(null=True)


class KeyKind(models.TextChoices):
    """What a key may do."""

    WRITE = "write"  # public, stands in pages: may append events, nothing else
    SERVER = "server"  # secret: may also set protected traits and consents


class WriteKey(models.Model):
    """A key with which programs speak for a source through the tracking API."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=6, choices=KeyKind.choices)
    # The SHA-256 of the key. A write key is public anyway and kept to be shown; a server key is
    # shown once, and only its first letters are kept.
    digest = models.CharField(max_length=64, unique=True)
    shown = models.CharField(max_length=60)
    origins = models.JSONField(default=list)  # web origins it is taken from; empty: any
    quota_per_minute = models.IntegerField(null=True)  # events; null: no limit
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField(null=True)  # replaced by another key, still good until then
    revoked_at = models.BigIntegerField(null=True)


class ImportState(models.TextChoices):
    """How far an import came."""

    READING = "reading"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"  # taken back


class Import(models.Model):
    """One file brought in; its effects and this row's ``done`` are one transaction."""

    kind = models.CharField(max_length=12)  # orders, profiles, events, consents
    file_name = models.CharField(max_length=260)
    digest = models.CharField(max_length=64)  # SHA-256 of file and mapping
    source = models.CharField(max_length=60)
    state = models.CharField(max_length=8, choices=ImportState.choices)
    n_rows = models.IntegerField(default=0)
    n_new = models.IntegerField(default=0)
    n_changed = models.IntegerField(default=0)
    n_same = models.IntegerField(default=0)
    n_rejected = models.IntegerField(default=0)
    n_filtered = models.IntegerField(default=0)  # left out by the mapping's filter
    reject_file = models.CharField(max_length=260, blank=True)
    # The most frequent reasons of rejects: column, reason, n, line and value of the first.
    reasons = models.JSONField(default=list)
    notes = models.JSONField(default=list)  # what had to be guessed, in sentences
    error = models.TextField(blank=True)
    # Also the recorded time of every row it wrote: with the source it says which those are.
    started_at = models.BigIntegerField()
    finished_at = models.BigIntegerField(null=True)
    mapping = models.TextField(blank=True)  # TOML; offered for the next file with these columns
    columns = models.CharField(max_length=32, blank=True, db_index=True)  # ``look.signature``
    undone_at = models.BigIntegerField(null=True)
    undone = models.JSONField(default=dict)  # ``undo.Undone`` as JSON


class ImportPage(models.Model):
    """Part of what it takes to undo an import: whom it touched, and how things were before."""

    brought = models.ForeignKey(Import, models.CASCADE, related_name="pages")
    holds = models.CharField(max_length=12)  # see ``journal.Holds``
    body = models.BinaryField()  # compressed JSON


class JobState(models.TextChoices):
    """How far a job came."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(models.Model):
    """Work on an upload or an import that a page asked for and a worker does; see ``jobs``."""

    task = models.CharField(max_length=12)  # ``jobs.Task``
    place = models.CharField(max_length=60)  # an upload's token, or an import's number
    state = models.CharField(max_length=8, choices=JobState.choices)
    language = models.CharField(max_length=5)  # of the person who asked: reasons are sentences
    actor = models.CharField(max_length=150, blank=True)
    n_tries = models.IntegerField(default=0)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    created_at = models.BigIntegerField()
    started_at = models.BigIntegerField(null=True)
    finished_at = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "place"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="import_job_once",
            ),
        ]
        indexes = [models.Index(fields=["place", "-id"], name="import_job_newest")]


class Poll(models.Model):
    """When a source that has to be asked is asked next, and who is asking it now."""

    source = models.OneToOneField(Source, models.CASCADE, primary_key=True, related_name="poll")
    next_at = models.BigIntegerField(default=0)
    n_failures = models.IntegerField(default=0)  # in a row
    lease = models.CharField(max_length=40, blank=True)  # empty: nobody is asking
    lease_until = models.BigIntegerField(default=0)  # renewed while they ask
