"""Who is held out: sticky, and the same wherever it is asked."""

from __future__ import annotations

from pusula.lib import ids

USUAL_PERCENT = 10  # of a campaign or journey that says nothing of it


def is_held_out(campaign_key: str, profile_id: int, share: float) -> bool:
    """Return whether the campaign leaves the profile out to measure against; ``share`` is 0..1.

    Raising the share later holds out more people and lets nobody back in.
    """
    return ids.bucket("holdout", campaign_key, str(profile_id)) < share * ids.BUCKETS
