"""The addresses of the pages, and how a page is made.

A page of area ``customers`` consists of

- ``views/customers.py``: functions that read the request, ask ``queries`` of the domain, and draw;
  they decide nothing of the domain and write only through its ``actions``;
- ``templates/web/customers/*.html``: whole pages extend ``web/base.html`` and fill ``title``,
  ``crumbs`` (``<li>`` elements) and ``main``; parts of a page start with an underscore;
- an address here, with a plain name in kebab-case, and if it belongs in the menu an ``Area`` in
  ``navigation.py`` (an area is marked current on every page below its address).

Everything but the views marked ``@login_not_required`` is for people who have signed in.

What holds on every page:

- The address owns filters, sorting and paging; a GET can be reloaded, shared and bookmarked.
- A change is a POST form with ``{% csrf_token %}``, answered by a redirect and a message (toast).
- The page works without scripts. htmx only saves reloads: the same address answers a fragment to
  htmx and the whole page to a browser (``request.draw``), and attributes stand on the element
  itself. A region that htmx fills is ``<div class="region" id="x" hx-…>`` with, beside it,
  ``{% include "web/parts/region_error.html" with region="x" %}``.
- No inline style or script (the policy in ``middleware.py`` forbids both). Widths of bars are SVG
  attributes; colours come from the classes of ``app.css``.
- Each panel has its four states: filled, empty (``{% empty %}``: what it means, what to do next),
  failed (what is kept, how to retry), and waiting (``.region`` dims).
- Numbers go through the filters of ``templatetags/ui.py``; every number says of what and when,
  and leads to what is behind it.
- Words go through gettext, English in the source. Data values never take a Turkish suffix: put a
  noun behind them.
- Each new page is added to ``tests/browser/pages.py``, which checks it in light, dark and on a
  phone.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from pusula.web import numbers
from pusula.web.views import (
    approvals,
    auth,
    builder,
    calendar,
    call_lists,
    campaign_send,
    campaigns,
    consent,
    customers,
    debugger,
    identity,
    imports,
    inbox,
    journey_editor,
    journey_people,
    journey_publish,
    journey_result,
    journey_trial,
    journeys,
    merges,
    outbox,
    overview,
    preferences,
    privacy,
    rfm,
    segment_versions,
    segments,
    sources,
    tasks,
    templates,
    templates_team,
)

numbers.register()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.overview, name="overview"),
    path("campaigns/", campaigns.index, name="campaigns"),
    path("campaigns/+calendar/", calendar.index, name="calendar"),
    path("campaigns/+new/", campaigns.new, name="campaign-new"),
    path("campaigns/+preview/", campaigns.preview, name="campaign-preview"),
    path("campaigns/+preview/mail/", campaigns.preview_mail, name="campaign-preview-mail"),
    path("campaigns/<slug:key>/", campaigns.show, name="campaign"),
    path("campaigns/<slug:key>/call-back/", campaign_send.call_back, name="campaign-call-back"),
    path("campaigns/<slug:key>/edit/", campaigns.edit, name="campaign-edit"),
    path("campaigns/<slug:key>/mail/", campaigns.mail, name="campaign-mail"),
    path("campaigns/<slug:key>/send/", campaign_send.send, name="campaign-send"),
    path("campaigns/<slug:key>/unsent/", campaigns.unsent, name="campaign-unsent"),
    path("consents/", consent.index, name="consents"),
    path("consents/blocked/", consent.blocked, name="consent-blocked"),
    path("consents/blocked/<record:pk>/lift/", consent.lift, name="consent-lift"),
    path("consents/iys/", consent.registry, name="consent-registry"),
    path("consents/ledger/", consent.ledger, name="consent-ledger"),
    path("customers/", customers.customers, name="customers"),
    path("customers/<record:pk>/", customers.customer, name="customer"),
    path("customers/<record:pk>/consents/", consent.customer, name="customer-consents"),
    path("customers/<record:pk>/disclose/", customers.disclose, name="disclose"),
    path("customers/+review/", identity.index, name="identity-review"),
    path("customers/+review/<record:pk>/", identity.decide, name="identity-decide"),
    path("customers/merges/<record:pk>/undo/", merges.undo, name="merge-undo"),
    path("imports/", imports.index, name="imports"),
    path("imports/<record:pk>/", imports.report, name="import"),
    path("imports/<record:pk>/rejects/", imports.rejects, name="import-rejects"),
    path("imports/<record:pk>/undo/", imports.undoing, name="import-undo"),
    path("imports/uploads/<str:token>/", imports.upload, name="upload"),
    path("imports/uploads/<str:token>/mapping/", imports.save, name="upload-save"),
    path("imports/uploads/<str:token>/mapping.toml", imports.map_file, name="upload-map-file"),
    path("imports/uploads/<str:token>/rejects/", imports.upload_rejects, name="upload-rejects"),
    path("imports/uploads/<str:token>/check/", imports.check, name="upload-check"),
    path("imports/uploads/<str:token>/drop/", imports.drop, name="upload-drop"),
    path("imports/uploads/<str:token>/import/", imports.bring_in, name="upload-import"),
    path("journeys/", journeys.index, name="journeys"),
    path("journeys/+check/", journey_editor.check, name="journey-check"),
    path("journeys/+import/", journeys.bring_in, name="journey-import"),
    path("journeys/+try/", journey_trial.show, name="journey-trial"),
    path("journeys/+new/", journey_editor.new, name="journey-new"),
    path("journeys/<slug:key>/", journeys.show, name="journey"),
    path("journeys/<slug:key>/edit/", journey_editor.edit, name="journey-edit"),
    path("journeys/<slug:key>/export/", journeys.export, name="journey-export"),
    path("journeys/<slug:key>/people/", journey_people.people, name="journey-people"),
    path("journeys/<slug:key>/people/<record:pk>/", journey_people.person, name="journey-person"),
    path("journeys/<slug:key>/publish/", journey_publish.publish, name="journey-publish"),
    path("journeys/<slug:key>/result/", journey_result.result, name="journey-result"),
    path("journeys/<slug:key>/state/", journeys.change_state, name="journey-state"),
    path("login/", auth.SignIn.as_view(), name="login"),
    path("login/link/<str:token>/", auth.login_link, name="login-link"),
    path("logout/", auth.SignOut.as_view(), name="logout"),
    path("preferences/language/", preferences.set_language, name="set-language"),
    path("preferences/theme/", preferences.set_theme, name="set-theme"),
    path("privacy/", privacy.index, name="privacy"),
    path("privacy/audit/", privacy.audit, name="privacy-audit"),
    path("privacy/customers/<record:pk>/", privacy.person, name="privacy-person"),
    path("privacy/customers/<record:pk>/erase/", privacy.erase, name="privacy-erase"),
    path("privacy/customers/<record:pk>/export/", privacy.make_export, name="privacy-export"),
    path("privacy/erasures/<record:pk>/", privacy.proof, name="privacy-erasure"),
    path("privacy/exports/<record:pk>/", privacy.download, name="privacy-download"),
    path("privacy/requests/<record:pk>/", privacy.show, name="privacy-request"),
    path("privacy/retention/", privacy.keeping, name="privacy-retention"),
    path("rfm/", rfm.index, name="rfm"),
    path("rfm/<record:pk>/people/", rfm.people, name="rfm-people"),
    path("sent-mail/", inbox.index, name="inbox"),
    path("sent-mail/<str:key>/", inbox.mail, name="inbox-mail"),
    path("sent-mail/<str:key>/html/", inbox.mail_html, name="inbox-mail-html"),
    path("segments/", segments.index, name="segments"),
    path("segments/+new/", builder.new, name="segment-new"),
    path("segments/+build/count/", builder.count, name="segment-build-count"),
    path("segments/+build/overlap/", builder.overlap, name="segment-build-overlap"),
    path("segments/+build/past/", builder.past, name="segment-build-past"),
    path("segments/+build/sample/", builder.sample, name="segment-build-sample"),
    path("segments/+build/why/", builder.why, name="segment-build-why"),
    path("segments/<slug:key>/", segments.detail, name="segment"),
    path("segments/+archived/", segments.archived, name="segments-archived"),
    path("segments/+compare/", segments.compare, name="segments-compare"),
    path("segments/+use/", segment_versions.use, name="segment-use"),
    path("segments/<slug:key>/archive/", segment_versions.archive, name="segment-archive"),
    path("segments/<slug:key>/change/", segment_versions.change, name="segment-change"),
    path("segments/<slug:key>/edit/", builder.edit, name="segment-edit"),
    path("segments/<slug:key>/export/", segment_versions.export, name="segment-export"),
    path("segments/<slug:key>/reach/", segments.reach, name="segment-reach"),
    path("segments/<slug:key>/restore/", segment_versions.restore, name="segment-restore"),
    path("segments/<slug:key>/return/", segment_versions.unarchive, name="segment-unarchive"),
    path("segments/<slug:key>/why/", segments.why, name="segment-why"),
    path("sending/", outbox.index, name="sending"),
    path("sending/limits/", outbox.limits, name="sending-limits"),
    path("sending/<record:pk>/resend/", outbox.resend, name="message-resend"),
    path("sources/", sources.index, name="sources"),
    path("sources/+live/", debugger.index, name="live-events"),
    path("sources/+live/<record:pk>/", debugger.entry, name="entry"),
    path("sources/+live/<record:pk>/disclose/", debugger.disclose, name="entry-disclose"),
    path("sources/+live/<record:pk>/forget/", debugger.forget, name="entry-forget"),
    path("sources/+live/<record:pk>/retry/", debugger.retry, name="entry-retry"),
    path("sources/+new/", sources.new, name="source-new"),
    path("sources/<slug:slug>/", sources.show, name="source"),
    path("sources/<slug:slug>/change/", sources.change, name="source-change"),
    path("sources/<slug:slug>/keys/", sources.add_key, name="key-add"),
    path("sources/<slug:slug>/keys/<record:pk>/limit/", sources.limit_key, name="key-limit"),
    path("sources/<slug:slug>/keys/<record:pk>/revoke/", sources.revoke_key, name="key-revoke"),
    path("sources/<slug:slug>/keys/<record:pk>/rotate/", sources.rotate_key, name="key-rotate"),
    path("sources/<slug:slug>/switch/", sources.switch, name="source-switch"),
    path("tasks/", tasks.index, name="tasks"),
    path("tasks/+all/", call_lists.index, name="tasks-all"),
    path("tasks/+approvals/", approvals.index, name="approvals"),
    path(
        "tasks/+approvals/<record:version>/<slug:step>/", approvals.decide, name="approval-decide"
    ),
    path("tasks/+lists/", call_lists.hand_over, name="tasks-lists"),
    path("tasks/+lists/<record:pk>/end/", call_lists.end, name="tasks-list-end"),
    path("tasks/+lists/export/", call_lists.export, name="tasks-export"),
    path("tasks/+take/", tasks.take, name="task-take"),
    path("tasks/<record:pk>/free/", call_lists.free, name="task-free"),
    path("tasks/<record:pk>/keep/", tasks.keep, name="task-keep"),
    path("tasks/<record:pk>/note/", tasks.note, name="task-note"),
    path("tasks/<record:pk>/put-back/", tasks.put_back, name="task-put-back"),
    path("team/<str:token>/", templates_team.confirm, name="team-confirm"),
    path("templates/", templates.index, name="templates"),
    path("templates/+new/", templates.new, name="template-new"),
    path("templates/+preview/", templates.preview, name="template-preview"),
    path("templates/+preview/html/", templates.preview_html, name="template-preview-html"),
    path("templates/+team/", templates_team.index, name="template-team"),
    path("templates/+team/<record:pk>/revoke/", templates_team.revoke, name="template-team-revoke"),
    path("templates/<record:pk>/", templates.edit, name="template"),
    path("templates/<record:pk>/archive/", templates.archive, name="template-archive"),
    path("templates/<record:pk>/restore/", templates.restore, name="template-restore"),
    path("templates/<record:pk>/versions/", templates.versions, name="template-versions"),
]
