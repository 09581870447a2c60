"""The providers that this installation has set up, channel by channel."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from pusula.channels import setup
from pusula.channels.outbound import Outbound
from pusula.channels.port import ChannelError, Provider
from pusula.lib.sayings import Saying

POSTED = ("sms", "whatsapp", "webpush")  # channels of ``posting``; mails have a loop of their own


def own_hosts() -> set[str]:
    """Return our own names, which nothing of ours ever calls."""
    names = {str(urlsplit(settings.PUSULA.public_url).hostname or "")}
    return {*names, *(host.strip("[]") for host in settings.ALLOWED_HOSTS)} - {"", "*"}


def outbound() -> Outbound:
    """Return the way out to addresses that users name: nothing is trusted."""
    return Outbound(own_hosts=own_hosts())


def of(channel: str) -> Provider | None:
    """Return the provider of ``channel``, ``None`` if none is set up; raise ``ChannelError``."""
    return setup.provider(
        channel, settings.PUSULA_CHANNELS, settings.PUSULA_HOME, own_hosts=own_hosts()
    )


def needed(channel: str) -> Provider:
    """Return the provider of ``channel``; raise ``ChannelError`` with how to set one up."""
    found = of(channel)
    if found is None:
        choices = ", ".join(setup.names(channel))
        raise ChannelError(
            Saying(
                "nothing carries %(channel)s: write [channels.%(channel)s] with a provider "
                "(%(choices)s) into %(value)s",
                {
                    "channel": channel,
                    "choices": choices,
                    "value": settings.PUSULA_HOME / "pusula.toml",
                },
            )
        )
    return found


def told(channel: str) -> setup.Given:
    """Return the settings of ``channel``, for what is not the provider's own: webhooks."""
    found = settings.PUSULA_CHANNELS.get(channel)
    return setup.Given(channel, found if isinstance(found, dict) else {}, settings.PUSULA_HOME)


def push_hosts() -> tuple[str, ...]:
    """Return the push services that are called: the known ones, and that of the settings."""
    return setup.push_hosts(told("webpush").told)
