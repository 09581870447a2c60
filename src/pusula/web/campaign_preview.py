"""The message of a campaign as one customer gets it: as typed, as chosen, as saved."""

from __future__ import annotations

from django.http import HttpRequest

from pusula.campaigns import templates
from pusula.campaigns.models import Campaign
from pusula.campaigns.templates import Says
from pusula.consent.models import Channel
from pusula.outbox.models import INTERPRETED
from pusula.web import campaign_form, template_preview
from pusula.web import preview as previews
from pusula.web.preview import Parts, Person, Preview
from pusula.web.request import plain


def typed(request: HttpRequest) -> Preview | template_preview.Preview:
    """Return the preview of what the posted form says."""
    given = request.POST
    who = previews.person(list(map(plain, given.getlist("audience"))), wanted(request))
    parts = Parts(*(given.get(name, "") for name in Parts._fields))
    return of(given.get("template", ""), parts, who)


def of(template: str, parts: Parts, who: Person | None) -> Preview | template_preview.Preview:
    """Return the preview of the template that was chosen, else of what is written."""
    chosen = campaign_form.named(template)
    if chosen is not None:
        says = templates.all_said(chosen)[""]
        return template_preview.of(chosen.channel, says, who)
    return previews.linted(previews.preview(parts, who), parts)


def wanted(request: HttpRequest) -> str:
    """Return the customer to preview for: the button's, else the one shown before."""
    return request.POST.get("to") or request.POST.get("person", "")


def saved(request: HttpRequest, campaign: Campaign) -> Preview | template_preview.Preview:
    """Return the message of ``campaign`` for the customer that the address names."""
    source = campaign.content or campaign.template
    audience = list(campaign.audience.values_list("key", flat=True))
    who = previews.person(audience, request.GET.get("person", ""))
    if source is not None and campaign.channel != Channel.EMAIL:
        details = {k: v for k, v in source.details.items() if k != INTERPRETED}
        says = Says(subject=source.subject, text=source.text, details=details)
        return template_preview.of(campaign.channel, says, who)
    parts = Parts(source.subject, source.text, source.html) if source else Parts("", "", "")
    return previews.preview(parts, who)
