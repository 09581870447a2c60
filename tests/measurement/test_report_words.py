"""Numbers in mails and files read as they do on pages."""

from __future__ import annotations

import pytest
from django.utils import translation

from pusula.measurement.reports import words
from pusula.web import formats


@pytest.mark.parametrize(
    ("value", "shown"), [(9_999, "9.999"), (999_950, "1 mn"), (43_210, "43,2 bin")]
)
def test_charts_of_mails_shorten_numbers_as_the_pages_do(value, shown):
    with translation.override("tr"):
        assert words.short(value) == shown == formats.short(value)


def test_a_mail_rounds_a_share_as_the_page_does():
    with translation.override("en"):
        assert words.percent(0.0185) == "1.9%" == formats.percent(0.0185)
