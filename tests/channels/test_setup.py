"""Setting a channel up: what is needed, what is refused, and that secrets stay where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from pusula.channels import setup
from pusula.channels.port import ChannelError
from pusula.channels.webpush.vapid import make_key

GOOD = {
    "netgsm": ("sms", {"user": "850", "sender": "DENIZ"}, ["password"]),
    "iletimerkezi": ("sms", {"sender": "DENIZ"}, ["key", "hash"]),
    "verimor": ("sms", {"user": "850", "sender": "DENIZ"}, ["password"]),
    "whatsapp": ("whatsapp", {"number_id": "1055", "account_id": "2001"}, ["token"]),
    "webpush": ("webpush", {"subject": "mailto:it@deniz.example"}, []),
}
every = pytest.mark.parametrize("name", list(GOOD))


def built(name: str, home: Path, **more: object):
    channel, told, secrets = GOOD[name]
    given = {channel: {"provider": name, **told, **more}}
    environment = {f"PUSULA_{channel}_{secret}".upper(): "geheim" for secret in secrets}
    if channel == "webpush" and not (home / setup.VAPID_FILE).exists():
        make_key(home / setup.VAPID_FILE)
    return setup.provider(channel, given, home, environment=environment)


@every
def test_every_provider_is_built_from_its_settings(name: str, tmp_path: Path) -> None:
    found = built(name, tmp_path, batch=7, connections=3)
    assert (found.channel, found.name, found.largest_batch) == (GOOD[name][0], name, 7)
    assert "geheim" not in repr(found)


@every
def test_each_setting_that_is_needed_is_named_when_it_is_missing(name: str, tmp_path: Path) -> None:
    channel, told, secrets = GOOD[name]
    for setting in told:
        with pytest.raises(ChannelError, match=rf"\[channels.{channel}\]: {setting} is needed"):
            built(name, tmp_path, **{setting: ""})
    if secrets:
        given = {channel: {"provider": name, **told}}
        with pytest.raises(ChannelError, match="is missing: write it to") as caught:
            setup.provider(channel, given, tmp_path, environment={})
        assert f"PUSULA_{channel}_{secrets[0]}".upper() in caught.value.message


@every
def test_a_secret_in_the_settings_and_a_slip_of_the_pen_are_refused(
    name: str, tmp_path: Path
) -> None:
    for secret in GOOD[name][2]:
        with pytest.raises(ChannelError, match="does not belong into the settings") as caught:
            built(name, tmp_path, **{secret: "geheim-4711"})
        assert "geheim" not in caught.value.message
    with pytest.raises(ChannelError, match="addres_ is no setting"):
        built(name, tmp_path, addres_="x")


def test_a_secret_is_read_from_its_file_in_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / "secrets" / "sms").mkdir(parents=True)
    (tmp_path / "secrets" / "sms" / "password").write_text("from-file\n")
    given = {"sms": {"provider": "netgsm", **GOOD["netgsm"][1]}}
    found = setup.provider("sms", given, tmp_path, environment={})
    assert found is not None
    assert found.password == "from-file"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"fax": {}}, "channels.fax"),
        ({"sms": "netgsm"}, "a table of settings"),
        ({"sms": {"provider": "nobody"}}, "not one of iletimerkezi, netgsm, verimor"),
        ({"sms": {}}, "provider is needed"),
        ({"sms": {"provider": "netgsm", "user": 850}}, "user is needed, a text"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(
    given: dict, why: str, tmp_path: Path
) -> None:
    with pytest.raises(ChannelError, match=why):
        setup.provider("sms", given, tmp_path, environment={})


def test_a_channel_that_is_not_set_up_has_no_provider(tmp_path: Path) -> None:
    assert setup.provider("sms", {}, tmp_path) is None
