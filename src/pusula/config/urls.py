"""All addresses: the pages, and the doors for machines."""

from django.urls import include, path

urlpatterns = [
    path("", include("pusula.web.urls")),
    path("", include("pusula.api.urls")),
]
