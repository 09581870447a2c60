"""A small hotel's people, segments and campaign, as the tables hold them."""

from __future__ import annotations

import pytest

from pusula.campaigns import actions, definitions
from pusula.consent.models import Consent, ConsentEntry
from pusula.profiles.models import Identifier, Profile
from pusula.segments.models import Membership, Segment, SegmentVersion

MOMENT = 1_790_000_000_000_000


class Hotel:
    """Builds rows in few words."""

    def guest(
        self, name: str, *, email: str | None = "", consent: str | None = "granted"
    ) -> Profile:
        """Make a profile; ``email`` None for none, empty for one of its own."""
        profile = Profile.objects.create(first_name=name, created_at=0, recorded_at=0)
        self.identify(profile, "key", f"pms:{name}")
        if email is not None:
            self.identify(profile, "email", email or f"{name.lower()}@example.com")
        if consent:
            self.consent(profile, consent)
        return profile

    def identify(self, profile: Profile, kind: str, value: str, at: int = 0) -> None:
        Identifier.objects.create(
            profile=profile, kind=kind, value=value, source="pms", recorded_at=at
        )

    def consent(self, profile: Profile, status: str) -> None:
        entry = ConsentEntry.objects.create(
            profile=profile, channel="email", purpose="marketing", status=status, source="pms",
            decided_at=0, recorded_at=0, dedupe_key=f"{profile.pk}:{status}",
        )  # fmt: skip
        Consent.objects.update_or_create(
            profile=profile, channel="email", purpose="marketing",
            defaults={"status": status, "decided_at": 0, "entry": entry},
        )  # fmt: skip

    def segment(self, key: str, *members: Profile) -> Segment:
        """Make an evaluated segment with these members."""
        segment = Segment.objects.create(key=key, created_at=0)
        version = SegmentVersion.objects.create(
            segment=segment,
            number=1,
            definition={"title": {"en": f"The {key}", "tr": f"{key} grubu"}},
            created_at=0,
        )
        for profile in members:
            Membership.objects.create(
                segment=segment, profile=profile, version=version, entered_at=0, cause="run"
            )
        Segment.objects.filter(pk=segment.pk).update(
            version=version, evaluated_at=MOMENT, n_members=len(members)
        )
        segment.refresh_from_db()
        return segment

    def definition(self, **changes):
        given = {
            "campaign": "winback",
            "title": "Sizi özledik",
            "goal": "loyalty",
            "audience": ["lapsing"],
            "holdout": 0,
            "template": {
                "subject": "Merhaba {{ profile.first_name }}",
                "text": "Bekliyoruz. {{ unsubscribe_url }}",
            },
        }
        return definitions.parse(given | changes, "test")

    def campaign(self, **changes):
        return actions.create(self.definition(**changes), MOMENT)


@pytest.fixture
def hotel(db, settings):
    settings.PUSULA_SMTP_URL = "smtp://127.0.0.1:25"
    return Hotel()
