"""The form of a template in one language: what people type, as what the template says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext

from pusula.campaigns.templates import Says
from pusula.consent.models import Channel
from pusula.web.request import plain

_INPUT = {"class": "input", "autocomplete": "off"}
_CODE = {"class": "textarea textarea--code", "spellcheck": "false"}
_MOST = 256 * 1024
# The parts that each channel has, in the order of the form.
PARTS: Mapping[str, tuple[str, ...]] = {
    Channel.EMAIL: ("subject", "preheader", "html", "text"),
    Channel.SMS: ("text", "is_plain"),
    Channel.WHATSAPP: ("approved", "approved_language", "body"),
    Channel.WEBPUSH: ("subject", "text", "url", "image"),
}


class TemplateForm(forms.Form):
    """A template's name and what it says in one language."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(_INPUT))
    note = forms.CharField(max_length=200, required=False, widget=forms.TextInput(_INPUT))
    subject = forms.CharField(max_length=2_000, required=False, widget=forms.TextInput(_INPUT))
    preheader = forms.CharField(max_length=2_000, required=False, widget=forms.TextInput(_INPUT))
    html = forms.CharField(
        max_length=_MOST, required=False, widget=forms.Textarea(_CODE | {"rows": 22})
    )
    text = forms.CharField(
        max_length=_MOST, required=False, widget=forms.Textarea(_CODE | {"rows": 7})
    )
    is_plain = forms.BooleanField(required=False)
    approved = forms.CharField(max_length=512, required=False, widget=forms.TextInput(_INPUT))
    approved_language = forms.CharField(
        max_length=15, required=False, widget=forms.TextInput(_INPUT), initial="tr"
    )
    body = forms.CharField(
        max_length=16_000, required=False, widget=forms.Textarea(_CODE | {"rows": 5})
    )
    url = forms.CharField(max_length=2_000, required=False, widget=forms.TextInput(_INPUT))
    image = forms.CharField(max_length=2_000, required=False, widget=forms.TextInput(_INPUT))

    def __init__(self, channel: str, data: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(data, **more)
        for name in list(self.fields):
            if name not in {"name", "note", *PARTS[channel]}:
                del self.fields[name]
        self.channel = channel

    def clean(self) -> dict[str, Any]:
        """Refuse what no database keeps."""
        given: dict[str, Any] = super().clean() or {}
        for name, value in given.items():
            if isinstance(value, str) and "\0" in value:
                self.add_error(name, gettext("There is a character in it that cannot be kept."))
        return given

    def says(self) -> Says:
        """Return what the valid form says."""
        return _says(self.channel, self.cleaned_data)


def of(name: str, says: Says) -> dict[str, Any]:
    """Return what the form shows of a template."""
    details = says.details
    return {
        "name": name,
        "subject": says.subject,
        "preheader": says.preheader,
        "html": says.html,
        "text": says.text,
        "is_plain": details.get("encoding") == "plain",
        "approved": details.get("template", ""),
        "approved_language": details.get("language", "tr"),
        "body": "\n".join(map(str, _listed(details.get("body")))),
        "url": details.get("url", ""),
        "image": details.get("image", ""),
    }


def typed(channel: str, given: QueryDict) -> Says:
    """Return what a posted form says, unchecked: for its preview."""
    found = {name: plain(given.get(name, ""))[:_MOST] for name in PARTS[channel]}
    return _says(channel, found)


def shown(given: QueryDict) -> dict[str, Any]:
    """Return what a form that is not to be saved shows: what was typed."""
    return {name: plain(given.get(name, "")) for name in TemplateForm.base_fields}


def _says(channel: str, given: Mapping[str, Any]) -> Says:
    details: dict[str, Any] = {}
    if channel == Channel.SMS and given.get("is_plain"):
        details["encoding"] = "plain"
    if channel == Channel.WHATSAPP:
        details = {
            "template": given.get("approved", "").strip(),
            "language": given.get("approved_language", "").strip(),
            "body": [line.strip() for line in given.get("body", "").splitlines() if line.strip()],
        }
    if channel == Channel.WEBPUSH:
        details = {name: given[name].strip() for name in ("url", "image") if given.get(name)}
    parts = {
        name: given.get(name, "").replace("\r\n", "\n")
        for name in ("subject", "preheader", "html", "text")
    }
    return Says(**parts, details=details)


def _listed(body: object) -> list[object]:
    if isinstance(body, Mapping):
        return list(body.values())
    return body if isinstance(body, list) else []
