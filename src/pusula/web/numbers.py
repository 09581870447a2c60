"""The numbers of records in addresses: what no record can be called is no page."""

from __future__ import annotations

from django.urls import register_converter
from django.urls.converters import IntConverter


class RecordConverter(IntConverter):
    """A whole number that a column holds; a longer one names nothing instead of failing."""

    regex = "[0-9]{1,18}"


def register() -> None:
    """Let addresses say ``<record:pk>``."""
    register_converter(RecordConverter, "record")
