"""The addresses that machines call."""

from django.urls import URLPattern, path

from pusula.api import snippet, tracking, unsubscribe

urlpatterns: list[URLPattern] = [
    path("pusula.js", snippet.newest, name="snippet"),
    path("pusula.<slug:version>.js", snippet.pinned, name="snippet-pinned"),
    path("pusula-sw.js", snippet.worker, name="push-worker"),
    path("o/<str:signed>.gif", tracking.opened, name="tracking-open"),
    path("c/<str:signed>", tracking.clicked, name="tracking-click"),
    path("u/<str:signed>/", unsubscribe.page, name="unsubscribe"),
    # A mail program that drops the last slash must still be heard, without a redirect.
    path("u/<str:signed>", unsubscribe.page),
]
