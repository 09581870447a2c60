"""The form of a campaign's draft: what people type, checked, as a definition."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext

from pusula.campaigns import definitions, templates
from pusula.campaigns import queries as campaigns
from pusula.campaigns.definitions import Definition
from pusula.campaigns.models import Campaign, Template
from pusula.consent import purposes
from pusula.consent.models import Channel
from pusula.lib import money, text
from pusula.segments import queries as segments
from pusula.web import codes, titles
from pusula.web.request import whole

_KEY_LENGTH = 60
# Offered as left out from the start: nobody is told to book what they have booked.
USUALLY_LEFT_OUT = ("has-upcoming-booking",)
_INPUT = {"class": "input"}
_NUMBER = {"inputmode": "decimal", "autocomplete": "off"}
_CODE = {"class": "textarea textarea--code", "spellcheck": "false"}


class CampaignForm(forms.Form):
    """Everything a draft says; shares and costs as people write them ("12,5" or "12.5")."""

    title = forms.CharField(max_length=120, widget=forms.TextInput(_INPUT))
    goal = forms.ChoiceField(
        choices=list(codes.GOALS.items()), widget=forms.Select({"class": "select"})
    )
    purpose = forms.ChoiceField(widget=forms.Select({"class": "select"}), initial="marketing")
    message_class = forms.ChoiceField(
        choices=list(codes.MESSAGE_CLASSES.items()), widget=forms.Select({"class": "select"})
    )
    priority = forms.ChoiceField(
        choices=list(codes.PRIORITIES.items()), widget=forms.Select({"class": "select"}), initial=5
    )
    quiet_hours = forms.ChoiceField(
        choices=list(codes.IN_QUIET_HOURS.items()), widget=forms.Select({"class": "select"})
    )
    not_after_hours = forms.IntegerField(
        min_value=1,
        max_value=definitions.MOST_HOURS,
        initial=24,
        widget=forms.TextInput(_NUMBER),
    )
    audience = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    exclusions = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    holdout = forms.DecimalField(
        min_value=0,
        max_value=90,
        decimal_places=2,
        localize=True,
        initial=10,
        widget=forms.TextInput(_NUMBER),
    )
    window_days = forms.IntegerField(
        min_value=1, max_value=365, initial=14, widget=forms.TextInput(_NUMBER)
    )
    conversion_event = forms.CharField(
        max_length=100, required=False, widget=forms.TextInput(_INPUT)
    )
    message_cost = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=14,
        decimal_places=3,
        localize=True,
        widget=forms.TextInput(_NUMBER),
    )
    fixed_cost = forms.DecimalField(
        min_value=0,
        max_digits=14,
        decimal_places=3,
        localize=True,
        initial=0,
        widget=forms.TextInput(_NUMBER),
    )
    margin = forms.DecimalField(
        min_value=0,
        max_value=100,
        decimal_places=2,
        localize=True,
        initial=100,
        widget=forms.TextInput(_NUMBER),
    )
    template = forms.ChoiceField(required=False, widget=forms.Select({"class": "select"}))
    subject = forms.CharField(max_length=2_000, required=False, widget=forms.TextInput(_INPUT))
    html = forms.CharField(required=False, widget=forms.Textarea(_CODE | {"rows": 16}))
    text = forms.CharField(required=False, widget=forms.Textarea(_CODE | {"rows": 6}))

    def __init__(self, data: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(data, **more)
        choices = _segment_choices()
        for name in ("audience", "exclusions"):
            field = self.fields[name]
            if isinstance(field, forms.MultipleChoiceField):
                field.choices = choices
        template = self.fields["template"]
        if isinstance(template, forms.ChoiceField):
            template.choices = _template_choices()
        purpose = self.fields["purpose"]
        if isinstance(purpose, forms.ChoiceField):
            purpose.choices = [(one.slug, one.title) for one in purposes.known().values()]

    def clean(self) -> dict[str, Any]:
        """Refuse what only all fields together show."""
        given: dict[str, Any] = super().clean() or {}
        both = set(given.get("audience", ())) & set(given.get("exclusions", ()))
        if both:
            self.add_error("exclusions", gettext("A segment cannot be spoken to and left out."))
        if given.get("template"):
            return given  # what is written below is not looked at
        if not given.get("subject", "").strip():
            self.add_error("subject", gettext("Write a subject, or choose a template."))
        if not (given.get("html", "").strip() or given.get("text", "").strip()):
            self.add_error("html", gettext("Write the message, as HTML or as text."))
        return given

    def definition(self, campaign: Campaign | None) -> Definition:
        """Return what the valid form says; of ``campaign`` what it does not ask for is kept."""
        given = self.cleaned_data
        chosen = named(given["template"])
        event, cost = given["conversion_event"].strip(), given["message_cost"]
        return definitions.parse(
            {
                "campaign": campaign.key if campaign else _free_key(given["title"]),
                "title": given["title"],
                "goal": given["goal"],
                "channel": chosen.channel if chosen else Channel.EMAIL.value,
                "purpose": given["purpose"],
                "message_class": given["message_class"],
                "priority": int(given["priority"]),
                "quiet_hours": given["quiet_hours"],
                "not_after_hours": given["not_after_hours"],
                "audience": given["audience"],
                "exclusions": given["exclusions"],
                "holdout": f"{given['holdout']}%",
                "window_days": given["window_days"],
                "conversion": {"event": event} if event else "order",
                "cost": {
                    "message": None if cost is None else str(cost),
                    "fixed": str(given["fixed_cost"]),
                },
                "margin": f"{given['margin']}%",
                "template": chosen.name if chosen else {
                    "subject": given["subject"], "text": given["text"], "html": given["html"],
                },
            },
            "",
        )  # fmt: skip


def of(campaign: Campaign) -> dict[str, Any]:
    """Return what the form shows of a draft."""
    template = campaign.template
    is_named = template is not None and not template.name.startswith(templates.OWN)
    written = None if is_named else template
    return {
        "title": campaign.title,
        "goal": campaign.goal,
        "purpose": campaign.purpose,
        "message_class": "commercial" if campaign.is_commercial else "informational",
        "priority": campaign.priority,
        "quiet_hours": campaign.in_quiet_hours,
        "not_after_hours": campaign.not_after_hours,
        "audience": list(campaign.audience.values_list("key", flat=True)),
        "exclusions": list(campaign.exclusions.values_list("key", flat=True)),
        "holdout": _percent(campaign.holdout_share),
        "window_days": campaign.window_days,
        "conversion_event": campaign.conversion_event,
        "message_cost": _amount(campaign.message_cost_minor, campaign.currency),
        "fixed_cost": money.from_minor(campaign.fixed_cost_minor, campaign.currency),
        "margin": _percent(campaign.margin),
        "template": str(template.pk) if template and is_named else "",
        "subject": written.subject if written else "",
        "html": written.html if written else "",
        "text": written.text if written else "",
    }


def typed(given: QueryDict) -> dict[str, Any]:
    """Return what a form that is not to be saved shows: what was typed, unchecked."""
    several = ("audience", "exclusions")
    return {
        name: given.getlist(name) if name in several else given.get(name, "")
        for name in CampaignForm.base_fields
    }


def new(audience: Sequence[str]) -> dict[str, Any]:
    """Return what the form of a new campaign begins with."""
    left_out = [key for key in USUALLY_LEFT_OUT if segments.by_key(key)]
    return {"audience": list(audience), "exclusions": left_out}


def named(pk: str) -> Template | None:
    """Return the template with the number ``pk`` that campaigns may name, if there is one."""
    number = whole(pk)
    return None if number is None else templates.usable().filter(pk=number).first()


def _template_choices() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Return what a campaign may say: written here, or a template, by channel."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for template in templates.usable().order_by("name"):
        group = titles.channel(template.channel)[1]
        groups.setdefault(group, []).append((str(template.pk), template.name))
    return [("", gettext("An e-mail, written below")), *groups.items()]


def _amount(minor: int | None, currency: str) -> Decimal | None:
    return None if minor is None else money.from_minor(minor, currency)


def _percent(share: float) -> Decimal:
    return round(Decimal(str(share)) * 100, 2).normalize() + 0


def _segment_choices() -> list[tuple[str, str | Promise]]:
    found = [(titles.segment_title(segment), segment.key) for segment in segments.active()]
    return [(key, title) for title, key in sorted(found, key=lambda f: text.sort_key(f[0]))]


def _free_key(title: str) -> str:
    """Return a key that nobody has, made of the title's letters."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.name_key(title))[:_KEY_LENGTH].strip("-")
    key = plain or "campaign"
    number = 1
    while campaigns.by_key(key):
        number += 1
        key = f"{plain or 'campaign'}-{number}"
    return key
