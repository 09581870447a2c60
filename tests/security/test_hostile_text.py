"""Text that is SQL, a path or a markup to others is text to us, wherever it comes in."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.urls import get_resolver
from django.utils.html import escape

from pusula.pipeline import appender, live
from pusula.pipeline.appender import Entry
from pusula.profiles.models import Profile, Trait
from pusula.web import urls

HOSTILE = [
    "'; drop table profiles_profile; --",
    '") OR 1=1 --',
    "%' UNION SELECT value FROM profiles_identifier --",
    "a\\'b\"c`d",
    "%_%%s%(x)s{0}{{ 7|times:7 }}${7*7}",
    "\0",
    "-1",
    "9" * 400,
    "x" * 100_000,
    "../../etc/passwd",
    "$..x",
    "İ\u202e\ud7ff\u2028",
]
PARAMETERS = (
    *("after", "audience", "before", "channel", "days", "from", "key", "kind", "page", "person"),
    *("q", "reason", "run", "scheme", "show", "since", "sort", "source", "state", "step", "tab"),
    *("to", "until", "version"),
)
BELOW_500 = 500
LONGEST = 4_000  # of a parameter: addresses are shorter than that
ADDRESSES = sorted(
    "/" + str(pattern.pattern)
    for pattern in get_resolver(urls.__name__).url_patterns
    if not re.search(r"[<(]", str(pattern.pattern))
)


def test_there_are_pages_to_try():
    assert len(ADDRESSES) > 25


@pytest.mark.django_db(databases=["default", "log"])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_parameter_of_any_page_breaks_it_or_comes_back_as_markup(company, deniz, text):
    mark = f"<b data-x>{text}"
    n_before = Profile.objects.count()
    for address in ADDRESSES:
        if "logout" in address:
            continue
        for value in (text[:LONGEST], mark[:LONGEST]):
            answer = deniz.get(address, dict.fromkeys(PARAMETERS, value))
            assert answer.status_code < BELOW_500, address
            if not answer.streaming:
                assert b"<b data-x>" not in answer.content, address
    assert Profile.objects.count() == n_before


@pytest.mark.django_db(databases=["default", "log"])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_page_sends_as_event_name_property_and_trait_is_kept_as_text_or_put_aside(
    company, deniz, text
):
    told = {
        "type": "track",
        "event": text[:300],
        "anonymousId": "somebody",
        "messageId": f"m-{HOSTILE.index(text)}",
        "properties": {text[:300]: text, "page_title": f"<img onerror=x>{text[:200]}"},
        "context": {"traits": {text[:300]: text, "city": text[:200]}},
    }
    body = json.dumps({"type": "track", "trusted": False, "sent_at": None, "message": told})
    appender.append([Entry("message", "web", f"web:{told['messageId']}", body)])

    stepped = live.step()

    assert stepped.n_entries == 1
    assert Profile.objects.exists()
    for page in ("/sources/+live/", "/customers/"):
        answer = deniz.get(page)
        assert answer.status_code == 200
        assert b"<img onerror=x>" not in answer.content


def test_a_customer_whose_name_is_code_is_shown_by_that_name(company, deniz):
    name = "{{ 7|times:7 }}<script>alert(1)</script>'; drop table profiles_profile; --"
    Profile.objects.filter(pk=company.elif_.pk).update(first_name=name)
    Trait.objects.filter(profile=company.elif_, name="city").update(text=name)
    page = deniz.get(f"/customers/{company.elif_.pk}/").content.decode()
    assert escape(name) in page
    assert "<script>alert(1)" not in page
    assert "49" not in escape(name)


def test_no_statement_of_ours_was_changed_by_a_value(company, deniz, django_assert_max_num_queries):
    with django_assert_max_num_queries(200), connection.execute_wrapper(_no_value_in_sql):
        for text in HOSTILE[:4]:
            assert deniz.get("/customers/", {"q": text}).status_code == 200


def _no_value_in_sql(execute, sql, params, many, context):
    assert not any(text in str(sql) for text in HOSTILE[:4])
    return execute(sql, params, many, context)
