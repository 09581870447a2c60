"""What the pages themselves remember: login links, and who was shown which address."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from pusula.profiles.models import IdentifierKind


class LoginLink(models.Model):
    """A link that logs its user in once, until it expires; only the token's digest is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="login_links")
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the token, in hex
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    used_at = models.BigIntegerField(null=True)


class SignInTry(models.Model):
    """That somebody tried to sign in with a password and has not succeeded; kept for an hour."""

    name = models.CharField(max_length=64)  # SHA-256 of the folded user name, in hex
    network = models.CharField(max_length=50)  # /24 or /48; empty where it is not known
    at = models.BigIntegerField(db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["name", "at"], name="sign_in_by_name"),
            models.Index(fields=["network", "at"], name="sign_in_by_network"),
        ]


class Disclosure(models.Model):
    """That a user was shown a masked phone or e-mail in full; never changed, never deleted.

    The person is named by number and kind alone, so that erasing them leaves the record.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="disclosures")
    profile_id = models.BigIntegerField(db_index=True)
    kind = models.CharField(max_length=12, choices=IdentifierKind.choices)
    at = models.BigIntegerField()
