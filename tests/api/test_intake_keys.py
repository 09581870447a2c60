"""Keys: issued, shown once, rotated, revoked, by command too."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops.sources import sources
from pusula.privacy.models import AuditEntry
from pusula.sources import keys, known
from pusula.sources.models import KeyKind, SourceKind, WriteKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def web():
    return known.add("web", SourceKind.WEBSITE, "Site")


def run(*arguments):
    return CliRunner().invoke(sources, arguments, catch_exceptions=False).output.strip()


def now_good():
    return {key.digest for key in keys.good(clock.now()).values()}


def test_a_write_key_can_be_shown_again_and_a_server_key_cannot(web):
    row, key = keys.issue(web, KeyKind.WRITE)
    assert row.shown == key
    assert keys.digest(key) in now_good()
    row, key = keys.issue(web, KeyKind.SERVER)
    held = " ".join(str(value) for value in WriteKey.objects.filter(pk=row.pk).values()[0].values())
    assert key not in held
    assert row.shown[:-1] == key[:7]
    assert keys.good(clock.now())[keys.digest(key)].may_set_all


def test_a_rotated_key_stays_good_for_its_grace_and_the_new_one_may_do_the_same(web):
    old, told = keys.issue(web, KeyKind.WRITE, origins=["https://A.com/"], quota_per_minute=5)
    new, key = keys.rotate(old, grace=clock.HOUR)
    assert (new.origins, new.quota_per_minute, new.kind) == (["https://a.com"], 5, "write")
    at = clock.now()
    assert set(keys.good(at)) == {keys.digest(told), keys.digest(key)}
    assert set(keys.good(at + 2 * clock.HOUR)) == {keys.digest(key)}
    keys.rotate(old, grace=clock.DAY)  # a second time does not make it live longer
    assert keys.digest(told) not in keys.good(at + 2 * clock.HOUR)


def test_a_revoked_key_and_those_of_a_source_that_is_off_are_not_good(web):
    row, _key = keys.issue(web, KeyKind.WRITE)
    _other, key = keys.issue(web, KeyKind.WRITE)
    assert keys.revoke(row)
    assert not keys.revoke(row)
    assert now_good() == {keys.digest(key)}
    known.switch(web, on=False)
    assert now_good() == set()


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    "origin", ["", "ornek.com", "https://", "https://a.com/path", "https://*", "javascript:x", "*"]
)
def test_an_origin_that_is_none_is_refused(web, origin):
    with pytest.raises(PusulaError, match="an origin is written"):
        keys.issue(web, KeyKind.WRITE, origins=[origin])


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize("kind", sorted({*SourceKind} - {SourceKind.WEBSITE}))
def test_only_websites_and_apps_have_public_keys(kind):
    source = known.add("pms", kind)
    with pytest.raises(PusulaError, match="pms: write keys are public, for websites and apps"):
        keys.issue(source, KeyKind.WRITE)
    with pytest.raises(PusulaError, match="issue a server key"):
        run("keys", "add", "pms", "--kind", "write")
    assert run("keys", "add", "pms").startswith("sk_")
    assert {key.kind for key in WriteKey.objects.all()} == {KeyKind.SERVER}


@pytest.mark.parametrize("slug", ["", "a:b", "A", "a b", "-a", "x" * 41, "ş", "a/b", "a\n"])
def test_a_name_that_could_not_stand_before_numbers_is_refused(slug):
    with pytest.raises(PusulaError):
        known.add(slug, SourceKind.SERVER)


@pytest.mark.usefixtures("english")
def test_a_source_is_added_once(web):
    with pytest.raises(PusulaError, match="there is a source"):
        known.add("web", SourceKind.SERVER)


@pytest.mark.usefixtures("english")
def test_the_commands_do_the_same_and_are_in_the_audit_log(english):
    run("add", "shop", "--kind", "server", "--title", "Mağaza")
    assert "Mağaza" in run("list")
    assert '"slug": "shop"' in run("list", "--json")
    key = run("keys", "add", "shop", "--origin", "https://shop.com", "--quota", "600")
    assert keys.digest(key) in now_good()
    assert "600 a minute" in run("keys", "list", "shop")
    new = run("keys", "rotate", key, "--days", "1")
    run("keys", "revoke", key)
    assert now_good() == {keys.digest(new)}
    assert "revoked" in run("keys", "list", "shop")
    run("switch", "shop", "off")
    assert now_good() == set()
    verbs = list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))
    assert verbs == [
        "source.created", "key.issued", "key.issued", "key.revoked", "source.changed",
    ]  # fmt: skip
    written = " ".join(AuditEntry.objects.values_list("detail", flat=True))
    assert key not in written
    for arguments in (["keys", "revoke", key], ["keys", "revoke", "99"], ["keys", "add", "no"]):
        with pytest.raises(PusulaError):
            run(*arguments)
