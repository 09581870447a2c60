import pytest
from tests.journeys.test_pack_walks import *
from pusula.journeys.models import *
from pusula.outbox.models import Message
from pusula.lib import clock
pytestmark = pytest.mark.django_db(databases=["default", "log"])
def test_x():
    world = World(packs.load("win-back","shop", "tr", site=SITE))
    l=life("c", [], [], *bought(6))
    world.live_through([l.acts], until=60)
    for p in Passage.objects.all(): print(clock.to_datetime(p.at,'UTC'), p.step,p.result,p.reason)
    for t in Task.objects.all(): print(vars(t))
    for t in Message.objects.all(): print(t.channel,t.step,t.state,t.reason)
