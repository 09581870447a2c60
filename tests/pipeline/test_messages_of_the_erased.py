"""Who was erased does not come back by a browser, an old id or a claim."""

import pytest
from tests.pipeline.company import NOW
from tests.pipeline.sent import come_in, holder, identify, message, reasons, track

from pusula.lib import clock
from pusula.pipeline.appender import Entry
from pusula.pipeline.models import LogEntry
from pusula.pipeline.queries import TOMBSTONE
from pusula.privacy import erasure
from pusula.profiles.models import Identifier, Profile, Trait

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])
MAIL, PHONE = "elif@example.com", "+905321234567"


@pytest.fixture
def _gone(company, settings, tmp_path):
    settings.PUSULA_HOME, settings.PUSULA_LAKE = tmp_path, str(tmp_path / "lake")
    come_in(
        NOW - clock.DAY,
        identify({"email": MAIL, "phone": PHONE}, trusted=True, userId="10027", anonymousId="d1"),
    )
    assert erasure.run(erasure.begin(holder("key", "web:10027"), actor="ayşe"))
    assert not Identifier.objects.filter(value__contains="10027").exists()


@pytest.mark.usefixtures("_gone")
@pytest.mark.parametrize(
    "entry",
    [
        identify({"email": " ELIF@Example.com"}, anonymousId="new"),
        identify({"phone": "0532 123 45 67"}, anonymousId="new"),
        identify({"email": "mailto:Elif@EXAMPLE.com"}, trusted=True, userId="99", source="crm"),
        identify({"email": MAIL}, trusted=True, userId="7"),
        message("alias", userId="99", previousId="10027"),
        message("alias", userId="99", previousId="10027", trusted=True),
        message("alias", userId="99", previousId="d1"),
        track("Stay Viewed", anonymousId="d1"),
        track("Stay Viewed", anonymousId="new", userId=10027),
        Entry("merge", "web", "web:x1", '{"key": "99", "gone_key": "10027"}'),
    ],
    ids=range(10),
)
def test_no_spelling_of_an_erased_identifier_is_taken_over(entry):
    come_in(NOW, entry)
    assert not Identifier.objects.exists()
    assert not Trait.objects.exists()
    assert not Profile.objects.exists()
    assert reasons()[-1:] == ["erased"]
    assert LogEntry.objects.order_by("-id")[0].body == TOMBSTONE
