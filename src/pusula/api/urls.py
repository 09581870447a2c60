"""The addresses that machines call."""

from django.urls import URLPattern, path

from pusula.api import hooks, preferences, reports, sign_up, snippet, tracking, unsubscribe

urlpatterns: list[URLPattern] = [
    path("pusula.js", snippet.newest, name="snippet"),
    path("pusula.<slug:version>.js", snippet.pinned, name="snippet-pinned"),
    path("pusula-sw.js", snippet.worker, name="push-worker"),
    path("hooks/ota/<slug:slug>", hooks.bookings, name="hook-ota"),
    path("hooks/ota/<slug:slug>/<slug:key>", hooks.bookings, name="hook-ota-key"),
    path("hooks/mews/<slug:slug>/<slug:key>", hooks.mews, name="hook-mews"),
    path("hooks/calls/<slug:slug>/<slug:key>", hooks.call_records, name="hook-calls"),
    path("hooks/reports/<slug:channel>/<slug:provider>", reports.told, name="hook-reports"),
    path(
        "hooks/reports/<slug:channel>/<slug:provider>/<str:key>",
        reports.told,
        name="hook-reports-key",
    ),
    path("p/<str:signed>/", preferences.page, name="preferences"),
    path("forms/<slug:slug>/", sign_up.form, name="sign-up"),
    path("s/<str:token>/", sign_up.confirm, name="sign-up-confirm"),
    path("o/<str:signed>.gif", tracking.opened, name="tracking-open"),
    path("c/<str:signed>", tracking.clicked, name="tracking-click"),
    path("u/<str:signed>/", unsubscribe.page, name="unsubscribe"),
    # A mail program that drops the last slash must still be heard, without a redirect.
    path("u/<str:signed>", unsubscribe.page),
]
