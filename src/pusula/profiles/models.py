"""Profiles, the identifiers that lead to them, and their traits."""

from __future__ import annotations

from django.db import models


class Profile(models.Model):
    """A person as this installation knows them."""

    first_name = models.CharField(max_length=120, blank=True)
    last_name = models.CharField(max_length=120, blank=True)
    # lib.text.name_key of "first last": what the search box compares.
    name_key = models.CharField(max_length=250, blank=True, db_index=True)
    created_at = models.BigIntegerField(db_index=True)
    recorded_at = models.BigIntegerField()

    @property
    def name(self) -> str:
        """The name as people read it; empty if unknown."""
        return f"{self.first_name} {self.last_name}".strip()


class IdentifierKind(models.TextChoices):
    """What kind of value leads to a profile."""

    KEY = "key"  # the number a system of the company gave the person; never shared
    EMAIL = "email"
    PHONE = "phone"
    ANONYMOUS = "anonymous"  # the device of a visitor, source:id; of one profile at a time
    NATIONAL_ID = "national_id"  # only its digest, see profiles.documents
    DOCUMENT = "document"  # passport and the like, only its digest
    LOYALTY = "loyalty"  # the number of a membership


class Identifier(models.Model):
    """A kind and a value that lead to one profile.

    E-mails and phones may belong to several profiles (families, reception desks); then they lead
    to none of them by themselves. Keys carry the name of their system in front: ``pms:10027``.

    ``origin_id``, here and in every table of a person's rows: the profile the row belonged to
    before any merge; null where that is the one it belongs to now.
    """

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="identifiers")
    origin_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=12, choices=IdentifierKind.choices)
    value = models.CharField(max_length=320)  # lib.text.email_key, E.164, or system:number
    source = models.CharField(max_length=60)
    recorded_at = models.BigIntegerField()
    verified_at = models.BigIntegerField(null=True)  # when the person proved that it is theirs

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "value", "profile"], name="identifier_once"),
            models.UniqueConstraint(
                fields=["value"], condition=models.Q(kind="key"), name="identifier_key_unique"
            ),
            models.UniqueConstraint(
                fields=["value"],
                condition=models.Q(kind="anonymous"),
                name="identifier_device_unique",
            ),
        ]


class TraitKind(models.TextChoices):
    """Which of a trait's columns holds its value."""

    TEXT = "text"
    NUMBER = "number"
    DAY = "day"
    BOOL = "bool"  # number 0 or 1
    LIST = "list"  # texts parted by line feeds


class Trait(models.Model):
    """A present fact about a profile, given or computed."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="traits")
    name = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=TraitKind.choices)
    text = models.CharField(max_length=400, blank=True)
    text_fold = models.CharField(max_length=400, blank=True)  # lib.text.fold(text)
    number = models.FloatField(null=True)
    day = models.DateField(null=True)
    source = models.CharField(max_length=60)
    updated_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["profile", "name"], name="trait_once"),
        ]
        indexes = [models.Index(fields=["name", "profile"], name="trait_by_name")]


class TraitChange(models.Model):
    """What a trait became, or that it was removed (``kind`` empty); never changed.

    The newest by ``changed_at``, then ``recorded_at``, equals the trait itself.
    """

    profile = models.ForeignKey(
        Profile, models.CASCADE, related_name="trait_changes", db_index=False
    )
    origin_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=TraitKind.choices, blank=True)
    text = models.CharField(max_length=400, blank=True)
    text_fold = models.CharField(max_length=400, blank=True)
    number = models.FloatField(null=True)
    day = models.DateField(null=True)
    source = models.CharField(max_length=60)
    # Since when it is so; 0 since ever, -1 if anybody could have said it.
    changed_at = models.BigIntegerField()
    recorded_at = models.BigIntegerField()  # when Pusula learned of it

    class Meta:
        indexes = [
            models.Index(fields=["profile", "name", "changed_at"], name="trait_change_by_profile"),
        ]


class Score(models.Model):
    """A number that a model gave a profile; the newest of a model counts."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="scores", db_index=False)
    origin_id = models.BigIntegerField(null=True)
    model = models.CharField(max_length=60)
    value = models.FloatField()
    decile = models.SmallIntegerField(null=True)  # 1 to 10, 10 the highest values
    scored_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["profile", "model", "scored_at"], name="score_once"),
        ]
        indexes = [models.Index(fields=["model"], name="score_by_model")]


class Merge(models.Model):
    """Two profiles found to be one person; what led to it, who did it, and whether it was undone.

    The loser's row in ``Profile`` is gone while the merge holds; its number keeps leading to the
    winner, and is its own again after an un-merge.
    """

    loser_id = models.BigIntegerField()
    winner_id = models.BigIntegerField(db_index=True)
    loser_name = models.CharField(max_length=250, blank=True)
    reason = models.CharField(max_length=40)  # manual, source, rule, proposal
    evidence = models.JSONField(default=dict)  # what spoke for it, without values of identifiers
    actor = models.CharField(max_length=150, blank=True)  # a login, a source; empty: Pusula itself
    merged_at = models.BigIntegerField()
    undone_at = models.BigIntegerField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)
    undone_reason = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["loser_id"],
                condition=models.Q(undone_at__isnull=True),
                name="merge_of_loser_once",
            ),
        ]
        indexes = [models.Index(fields=["loser_id"], name="merge_by_loser")]


class Shelved(models.Model):
    """A row that a merged person may have only once and now has twice; it waits for an un-merge.

    Two holders of one e-mail address, two assignments of one campaign: one of the rows stays in
    its table, the other stands here as it was.
    """

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="shelved")
    origin_id = models.BigIntegerField(null=True)
    table = models.CharField(max_length=60)
    row = models.JSONField()  # the columns of the table, without profile_id and origin_id


class Erased(models.Model):
    """The keyed hash of an identifier whose person was erased: what brings it again is refused.

    ``lifted_at``: the person came back by a registration of their own.
    """

    digest = models.CharField(max_length=43, unique=True)
    erased_at = models.BigIntegerField()
    lifted_at = models.BigIntegerField(null=True)


class ProposalState(models.TextChoices):
    """What became of a proposal that two profiles are one person."""

    OPEN = "open"
    ACCEPTED = "accepted"  # a merge was asked for
    REJECTED = "rejected"  # not the same person; asked again only if the evidence is another
    STALE = "stale"  # nothing speaks for it any more, or one of the two is gone


class Proposal(models.Model):
    """Two profiles that may be one person, with what speaks for it; for somebody to decide.

    ``one_id`` < ``other_id``. Those that hang together by proposals form a group, named after its
    lowest number. ``evidence``: field → [level, weight], without values (``profiles.linkage``).
    """

    one_id = models.BigIntegerField()
    other_id = models.BigIntegerField(db_index=True)
    weight = models.FloatField()  # log2 of the odds that they are one person
    certain = models.BooleanField()  # may be merged unseen
    evidence = models.JSONField()
    group_id = models.BigIntegerField()
    group_weight = models.FloatField()  # the highest of the group
    state = models.CharField(max_length=8, choices=ProposalState.choices)
    proposed_at = models.BigIntegerField()
    put_off_at = models.BigIntegerField(default=0)  # when somebody left it for later
    decided_at = models.BigIntegerField(null=True)
    decided_by = models.CharField(max_length=150, blank=True)  # a login; empty: Pusula itself

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one_id", "other_id"], name="proposal_once"),
        ]
        indexes = [
            models.Index(
                fields=["state", "put_off_at", "-group_weight", "group_id"], name="proposal_queue"
            ),
        ]


class Comparison(models.Model):
    """One comparison of those who changed with everybody, how far it came, and what it found."""

    started_at = models.BigIntegerField()
    finished_at = models.BigIntegerField(null=True)
    n_profiles = models.BigIntegerField()
    n_open = models.BigIntegerField(default=0)
    n_changed = models.BigIntegerField(default=0)
    n_compared = models.BigIntegerField(default=0)
    # How often people and strangers agree, if that was measured anew; then everybody is compared.
    model = models.JSONField(default=dict)


class Compared(models.Model):
    """A profile that was compared with everybody as it is, and a digest of how that was."""

    profile_id = models.BigIntegerField(primary_key=True)
    digest = models.BigIntegerField()


class Unheard(models.Model):
    """A profile of which something was written beside the log; the next live step looks at it.

    Several rows may name one profile. Whoever writes only adds rows, and the step deletes those it
    read: neither waits for the other, and none is lost.
    """

    profile_id = models.BigIntegerField()
    since_at = models.BigIntegerField()
