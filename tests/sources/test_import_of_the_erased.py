"""A file that comes late brings nobody back; who came back keeps what happens from then on."""

from __future__ import annotations

import datetime as dt

import pytest

from pusula.events.models import Event
from pusula.lib import clock
from pusula.profiles import erased
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db
MAIL = "elif@example.com"
MAP = 'source = "shop"\n[columns]\nemail = "mail"\nevent_id = "no"\nname = "name"\nat = "made"\n'
FILE = f"mail,no,name,made\n{MAIL},1,Shop Visited,2024-03-01\n{MAIL},2,Shop Visited,2024-09-01\n"


def test_rows_from_before_the_return_stay_refused_and_later_ones_come_in(bring):
    digest = erased.digest("email", MAIL)
    back_at = clock.from_datetime(dt.datetime(2024, 6, 1, tzinfo=dt.UTC))
    erased.enter([digest], at=back_at - clock.DAY)
    assert bring("events", FILE, MAP).n_rejected == 2
    assert not Profile.objects.exists()
    assert erased.lift([digest], at=back_at) == 1
    report = bring("events", FILE, MAP, name="again.csv")
    assert report.n_rejected == 1
    assert MAIL not in str(report.reasons)
    assert [clock.to_datetime(one.at).month for one in Event.objects.all()] == [
        8
    ]  # midnight in Turkey
