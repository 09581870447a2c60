"""Templates: the list, the editor with its preview, and their versions."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language_info, gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.campaigns import team, templates, trials
from pusula.campaigns import words as campaign_words
from pusula.campaigns.called import beginning
from pusula.campaigns.models import Template, TemplateVersion
from pusula.campaigns.templates import (
    ChangedMeanwhileError,
    Says,
    TemplateRefusedError,
)
from pusula.consent.models import Channel
from pusula.journeys.language.schema import LANGUAGES
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.outbox import approvals
from pusula.outbox.models import Approval
from pusula.privacy import audit
from pusula.web import mails, template_form, template_uses, titles
from pusula.web import template_preview as previews
from pusula.web.request import asked, plain, signed_in, whole
from pusula.web.template_form import TemplateForm
from pusula.web.template_preview import Preview


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the templates, of one channel if the address says so."""
    channel, is_archive = asked(request, "channel"), asked(request, "show") == "archive"
    found = Template.objects.exclude(name__startswith=templates.OWN).order_by("name")
    n_archived = found.exclude(archived_at=None).count()
    found = found.exclude(archived_at=None) if is_archive else found.filter(archived_at=None)
    used = {channel for (channel,) in found.values_list("channel").distinct()}
    shown = found.filter(channel=channel) if channel in Channel.values else found
    journeys = template_uses.journeys()
    rows = [
        {
            "template": one,
            "says": beginning(one.subject) or beginning(one.text),
            "channel": titles.channel(one.channel),
            "languages": _tags(one),
            "n_uses": len(templates.uses(one)) + len(journeys.get(one.name, ())),
        }
        for one in shown.prefetch_related("campaigns")
    ]
    context = {
        "rows": rows,
        "channel": channel,
        "channels": [(one, titles.channel(one)) for one in templates.CHANNELS if one in used],
        "is_archive": is_archive,
        "n_archived": n_archived,
        "is_any": bool(used),
    }
    return render(request, "web/content/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the form of a new template of a channel, or one like another; on POST save it."""
    source = _like(asked(request, "from"))
    channel = source.channel if source else asked(request, "channel") or Channel.EMAIL.value
    if channel not in templates.CHANNELS:
        raise Http404(channel)
    if request.method == "POST":
        return _posted(request, None, channel, "")
    says = templates.all_said(source)[""] if source else _first(channel)
    form = TemplateForm(channel, initial=template_form.of("", says))
    return _editor(request, form, None, "", says)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a template in one language with its preview; on POST save its next version."""
    template = _template(pk)
    language = asked(request, "language")
    if language and language not in LANGUAGES:
        raise Http404(language)
    if request.method == "POST":
        return _posted(request, template, template.channel, language)
    said = templates.all_said(template)
    says = said.get(language) or said[""]
    form = TemplateForm(template.channel, initial=template_form.of(template.name, says))
    return _editor(request, form, template, language, says)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Answer the preview of the form as it stands, unsaved."""
    found = _typed(request)
    return render(request, "web/content/_preview.html", {"preview": found})


@require_POST
def preview_html(request: HttpRequest) -> HttpResponse:
    """Answer the HTML of the form as it stands, for the frame."""
    return mails.framed(_typed(request).html, request.POST.get("scheme", "light"))


@require_safe
def versions(request: HttpRequest, pk: int) -> HttpResponse:
    """List what a template said before, and one version of it whole."""
    template = _template(pk)
    found = list(template.versions.order_by("-number"))
    number = whole(asked(request, "number"))
    chosen = next((one for one in found if one.number == number), found[0] if found else None)
    n_messages = template_uses.n_messages(found)
    context = {
        "template": template,
        "channel": titles.channel(template.channel),
        "rows": [(one, n_messages.get(one.pk, 0)) for one in found],
        "chosen": chosen,
        "said": template_uses.said(chosen) if chosen else [],
        "changes": template_uses.changes(chosen, _before(chosen, found)) if chosen else [],
    }
    return render(request, "web/content/versions.html", context)


@require_POST
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a template say again what it said in an earlier version."""
    template = _template(pk)
    number = whole(request.POST.get("number", "")) or 0
    if not template.versions.filter(number=number).exists():
        raise Http404(str(number))
    by = signed_in(request).get_username()
    with transaction.atomic():
        made = templates.restore(template, number, by=by, at=clock.now())
        audit.record(by, "template.saved", template.name, version=made.number)
    messages.success(
        request,
        gettext("It says again what it said in version %(number)s.") % {"number": number},
    )
    return redirect("template", pk)


@require_POST
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a template away, or take it back."""
    template = _template(pk)
    by = signed_in(request).get_username()
    with transaction.atomic():
        if template.archived_at is None:
            templates.archive(template, at=clock.now())
            audit.record(by, "template.archived", template.name)
        else:
            templates.unarchive(template)
            audit.record(by, "template.unarchived", template.name)
    if template.archived_at is None:
        messages.success(request, gettext("Archived. What uses it goes on."))
    else:
        messages.success(request, gettext("It can be used again."))
    return redirect("templates")


def _posted(
    request: HttpRequest, template: Template | None, channel: str, language: str
) -> HttpResponse:
    """Do what the pressed button says: look as somebody else, send a test mail, or save."""
    given = request.POST
    if "to" in given or "test" in given:
        form = TemplateForm(channel, initial=template_form.shown(given))
        says = template_form.typed(channel, given)
        if "test" in given:
            _test(request, channel, says)
        return _editor(request, form, template, language, says)
    form = TemplateForm(channel, given)
    if form.is_valid():
        try:
            return _save(request, form, template, language)
        except TemplateRefusedError as error:
            form.add_error(None, error.said(gettext))
            for problem in error.problems.get(language, []):
                form.add_error(None, campaign_words.problem(problem, language))
        except ChangedMeanwhileError as error:
            form.add_error(None, error.said(gettext))
    return _editor(request, form, template, language, template_form.typed(channel, given))


def _save(
    request: HttpRequest, form: TemplateForm, template: Template | None, language: str
) -> HttpResponse:
    said = templates.all_said(template) if template else {}
    if "drop" in request.POST and language:
        said.pop(language, None)
        language = ""
    else:
        said[language] = form.says()
    by = signed_in(request).get_username()
    with transaction.atomic():
        made = templates.save(
            template,
            name=form.cleaned_data["name"],
            channel=form.channel,
            says=said,
            by=by,
            at=clock.now(),
            note=form.cleaned_data["note"],
            expected=whole(request.POST.get("number", "")) if template else None,
        )
        if template is None or made.number != template.number:
            audit.record(by, "template.saved", made.name, version=made.number)
    messages.success(request, gettext("Saved as version %(number)s.") % {"number": made.number})
    return redirect(_address(made, language))


def _address(template: Template, language: str) -> str:
    address = reverse("template", args=[template.pk])
    return f"{address}?{urlencode({'language': language})}" if language else address


def _test(request: HttpRequest, channel: str, says: Says) -> None:
    """Put a test message of what is typed in line, or say why not."""
    to = whole(request.POST.get("address", ""))
    person = whole(request.POST.get("person", ""))
    by = signed_in(request).get_username()
    try:
        with transaction.atomic():
            trial = trials.ask(
                says, to=to or 0, as_customer=person or 0, by=by, at=clock.now(), channel=channel
            )
            audit.record(by, "template.tested", f"team:{trial.to_id}", customer=person)
    except PusulaError as error:
        messages.error(request, error.said(gettext))
    else:
        messages.success(
            request, gettext("The test leaves within seconds, marked as one and counted nowhere.")
        )


def _editor(
    request: HttpRequest,
    form: TemplateForm,
    template: Template | None,
    language: str,
    says: Says,
) -> HttpResponse:
    found = previews.preview(form.channel, says, _wanted(request), language=language)
    tags = _tags(template) if template else []
    context = {
        "form": form,
        "template": template,
        "channel": form.channel,
        "channel_words": titles.channel(form.channel),
        "channels": _channels(),
        "in_language": language,
        "language_title": _language(language) if language else "",
        "tabs": [(tag, _language(tag)) for tag in tags],
        "is_new_language": bool(language) and language not in tags,
        "others": [(tag, _language(tag)) for tag in LANGUAGES if tag not in tags],
        "preview": found,
        "blocks": previews.BLOCKS if form.channel == Channel.EMAIL else (),
        "team": team.verified(trials.KINDS[form.channel]),
        "uses": templates.uses(template) if template else [],
        "journeys": template_uses.journeys().get(template.name, []) if template else [],
        "approval": _approval(form.channel, says),
        "company_language": _language(settings.LANGUAGE_CODE),
    }
    status = 422 if form.errors else 200
    return render(request, "web/content/edit.html", context, status=status)


def _approval(channel: str, says: Says) -> Approval | None:
    """Return what Meta has told of the WhatsApp template that is named, if anything."""
    if channel != Channel.WHATSAPP:
        return None
    return approvals.of(*(str(says.details.get(part, "")) for part in ("template", "language")))


def _typed(request: HttpRequest) -> Preview:
    channel = request.POST.get("channel", "")
    if channel not in templates.CHANNELS:
        raise Http404(channel)
    says = template_form.typed(channel, request.POST)
    return previews.preview(channel, says, _wanted(request))


def _wanted(request: HttpRequest) -> str:
    """Return the customer to preview for: the button's, else the one shown before."""
    given = request.POST.get("to") or request.POST.get("person") or asked(request, "person")
    return plain(given or "")


def _template(pk: int) -> Template:
    template = Template.objects.filter(pk=pk).exclude(name__startswith=templates.OWN).first()
    if template is None:
        raise Http404(str(pk))
    return template


def _like(text: str) -> Template | None:
    pk = whole(text)
    return _template(pk) if pk is not None else None


def _tags(template: Template) -> list[str]:
    """Return the languages a template has beside the one for everybody."""
    return sorted(template.languages)


def _language(tag: str) -> str:
    """Return what a language is called in the reader's own."""
    return str(get_language_info(tag)["name_translated"])


def _channels() -> list[tuple[str, tuple[str, str]]]:
    return [(one.value, titles.channel(one)) for one in templates.CHANNELS]


def _before(chosen: TemplateVersion, found: list[TemplateVersion]) -> TemplateVersion | None:
    """Return the version before a chosen one; ``found`` holds all, the newest first."""
    return next((one for one in found if one.number < chosen.number), None)


def _first(channel: str) -> Says:
    """Return what the form of a new template begins with: the way out, which every mail needs."""
    if channel != Channel.EMAIL:
        return Says(details={"language": settings.LANGUAGE_CODE} if channel == "whatsapp" else {})
    words = {
        "greeting": gettext("Hello"),
        "guest": gettext("dear guest"),
        "body": gettext("Write your message here."),
        "out": gettext("Unsubscribe"),
    }
    return Says(html=_FIRST_HTML % words)


_FIRST_HTML = """<mjml>
  <mj-body background-color="#f4f5f7">
    <mj-section background-color="#ffffff">
      <mj-column>
        <mj-text font-size="16px" color="#1f2933" line-height="1.5">
          %(greeting)s {{ profile.first_name | tr_title | default: "%(guest)s" }},
        </mj-text>
        <mj-text font-size="16px" color="#1f2933" line-height="1.5">%(body)s</mj-text>
      </mj-column>
    </mj-section>
    <mj-section>
      <mj-column>
        <mj-text font-size="13px" color="#52606d" align="center">
          {{ company.name }} · <a href="{{ unsubscribe_url }}" style="color:#52606d">%(out)s</a>
        </mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""
