"""try"""
import pytest

from pusula.campaigns import templates
from pusula.journeys import packs

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ALL = [(p.name, f, l) for p in packs.all_packs() for f in p.flavours for l in packs.LANGUAGES]
from pusula.journeys.packs.taking import _says


@pytest.mark.parametrize(("name","flavour","language"), ALL)
def test_pack(name, flavour, language):
    s = packs.load(name, flavour, language, site="https://otel.example")
    packs.parsed(s)
    for one in s.letters:
        for says in _says(one, language).values():
            problems = templates.check(one.channel, says)
            assert not problems, (one.name, [str(p) for p in problems])
    a=packs.add(s)
    print([m.sentence for m in a.missing])
