"""What a campaign may refuse to do."""

from __future__ import annotations

from pusula.lib.errors import PusulaError


class CampaignError(PusulaError):
    """A campaign cannot do what was asked of it."""

    code = "campaign"
    status = 409


class SegmentNotReadyError(CampaignError):
    """Nobody knows who is in a segment now, so it must not decide who gets a message."""

    code = "segment_not_ready"
