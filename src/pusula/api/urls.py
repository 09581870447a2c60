"""The addresses that machines call."""

from django.urls import URLPattern, path

from pusula.api import tracking, unsubscribe

urlpatterns: list[URLPattern] = [
    path("o/<str:signed>.gif", tracking.opened, name="tracking-open"),
    path("c/<str:signed>", tracking.clicked, name="tracking-click"),
    path("u/<str:signed>/", unsubscribe.page, name="unsubscribe"),
    # A mail program that drops the last slash must still be heard, without a redirect.
    path("u/<str:signed>", unsubscribe.page),
]
