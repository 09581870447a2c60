"""The addresses that machines call."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
