"""Journeys as pages: how they fare, who is where, why not, and pausing and ending them."""

from __future__ import annotations

import pytest
from tests.web import rides

pytestmark = pytest.mark.django_db


def page(client, path: str, language: str = "en", status: int = 200) -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == status, path
    return " ".join(answer.content.decode().split())


def test_without_journeys_the_page_names_what_there_is_to_start_from(deniz):
    assert "abandoned booking or cart" in page(deniz, "/journeys/")


@pytest.mark.parametrize("language", ["tr", "en"])
def test_pages(deniz, language):
    journey = rides.under_way()
    for path in (
        "/journeys/",
        "/journeys/abandoned/",
        "/journeys/abandoned/people/",
        "/journeys/+import/",
    ):
        print(len(page(deniz, path, language)))
    rides.put_off(journey)
    pk = journey.enrollments.first().profile_id
    page(deniz, f"/journeys/abandoned/people/{pk}/", language)
