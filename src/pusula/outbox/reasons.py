"""Why a message was not sent, or not for sure: the codes kept with it, and their words."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    """What ``Message.reason`` may hold besides nothing."""

    NO_ADDRESS = "no_address", _("No address on this channel")
    BAD_ADDRESS = "bad_address", _("The address cannot be written to")
    NO_CONSENT = "no_consent", _("No consent for this channel")
    REFUSED = "refused", _("Consent withdrawn")
    HOLDOUT_GLOBAL = "holdout_global", _("In the control group of all messages")
    CAPPED = "capped", _("Had got as many messages as allowed")
    OUTRANKED = "outranked", _("Gave way to a more important message")
    QUIET = "quiet", _("Quiet hours until it was too late")
    BUDGET = "budget", _("No place left before it was too late")
    GONE = "gone", _("The customer is not there any more")
    OBJECTED = "objected", _("The person objects to profiling")
    SUPPRESSED = "suppressed", _("Address blocked for sending")
    OTHER_ADDRESS = "other_address", _("Consent was given for another address")
    NOT_IN_IYS = "not_in_iys", _("No approval in İYS")
    DUPLICATE_ADDRESS = "duplicate_address", _("Another person with this address got it")
    MERGED = "merged", _("The same person gets it already")
    LEFT = "left", _("Had left the journey by then")
    WITHDRAWN = "withdrawn", _("Called back by a person")
    EXPIRED = "expired", _("Too late to be of use")
    RENDER_ERROR = "render_error", _("The template could not be filled for this person")
    TEMPLATE = "template", _("Waits: WhatsApp does not let its template be used now")
    HARD_BOUNCE = "hard_bounce", _("The mailbox does not exist")
    REJECTED = "rejected", _("The receiving server refused the message")
    POLICY = "policy", _("The receiving server refuses us as a sender")
    RESENT = "resent", _("Sent anew by a person")
    SENDER_DIED = "sender_died", _("The sender stopped before the answer came")
    NO_ANSWER = "no_answer", _("Nobody answered the call")
    WRONG_NUMBER = "wrong_number", _("The number is somebody else's")
    CONNECTION_LOST = "connection_lost", _("The connection broke before the answer came")
