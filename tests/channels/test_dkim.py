"""Our signatures are checked by another implementation, and fall when anything signed changes."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pusula.channels.email.dkim import DkimError, Signer, signer_of, signers
from pusula.channels.email.mime import Mail, composed, wired
from pusula.channels.email.smtp import stuffed

MAIL = Mail(
    sender="Deniz Otel & Şubeleri <kampanya@deniz.example>",
    to="ayse@example.com",
    subject="Sizi özledik, İpek Hanım: bu yaz için size ayırdığımız odalar hazır",
    text="Merhaba  Ayşe \n.\n..son\n\n\n",
    html="<p>Merhaba Ayşe</p>",
    token="tok-EN_1",
    at=1_790_000_000_000_000,
    unsubscribe_url="https://p.example/u/tok.mac/",
    feedback="campaign:12",
)
PLAIN = replace(MAIL, text="Plain  words \nand\ttabs \n.\n..dots\n\n", html="<p>a  b</p>\n.x")


@pytest.fixture(scope="session")
def rsa_key(tmp_path_factory) -> Path:
    return kept(rsa.generate_private_key(65537, 2048), tmp_path_factory.mktemp("keys") / "r.pem")


@pytest.fixture(scope="session")
def ed_key(tmp_path_factory) -> Path:
    return kept(ed25519.Ed25519PrivateKey.generate(), tmp_path_factory.mktemp("keys") / "e.pem")


def kept(key, path: Path) -> Path:
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def is_valid(signer: Signer, raw: bytes) -> bool:
    def dns(name: bytes, **_: object) -> bytes:
        assert name.decode().rstrip(".") == signer.name
        return signer.record.encode()

    return bool(dkimpy.verify(raw, dnsfunc=dns))


@pytest.fixture(params=["rsa_key", "ed_key"])
def signer(request) -> Signer:
    if request.param == "ed_key":
        pytest.importorskip("nacl", reason="dkimpy needs PyNaCl for Ed25519")
    return Signer.from_file("deniz.example", "pusula", request.getfixturevalue(request.param))


@pytest.mark.parametrize("mail", [MAIL, PLAIN, replace(MAIL, html=""), replace(PLAIN, html="")])
def test_another_implementation_accepts_what_we_sign(signer, mail):
    assert is_valid(signer, composed(mail, signer))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"To: ayse@", b"To: fatma@"),
        (b"List-Unsubscribe: <https://p.example", b"List-Unsubscribe: <https://evil.example"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"From: ", b"From: evil@deniz.example\r\nFrom: "),
        (b"Feedback-ID: campaign.12", b"Feedback-ID: campaign.13"),
        (b"PHA+", b"PHA-"),
    ],
)
def test_nothing_that_is_signed_can_be_changed(signer, old, new):
    raw = composed(MAIL, signer)
    assert is_valid(signer, raw)
    assert old in raw
    assert not is_valid(signer, raw.replace(old, new, 1))


def test_the_one_click_lines_are_among_what_is_signed(signer):
    line = str(message_from_bytes(composed(MAIL, signer), policy=default)["DKIM-Signature"])
    signed = line.replace(" ", "").partition("h=")[2].partition(";")[0].split(":")
    assert {"list-unsubscribe", "list-unsubscribe-post", "subject", "to", "date"} <= set(signed)
    assert signed.count("from") == 2


@pytest.mark.parametrize("mail", [MAIL, PLAIN])
def test_the_wire_carries_what_was_signed_with_its_dots_doubled(signer, mail):
    assert wired(mail, signer)[-5:] == b"\r\n.\r\n"
    assert wired(mail) == stuffed(composed(mail))


def test_keys_come_from_files_and_say_what_is_wrong(tmp_path, rsa_key):
    found = signers(f"pusula@deniz.example={rsa_key}")
    assert signer_of("x@bulten.deniz.example", found) is found["deniz.example"]
    assert signer_of("x@notdeniz.example", found) is None
    other = kept(ec.generate_private_key(ec.SECP256R1()), tmp_path / "ec.pem")
    (tmp_path / "empty.pem").write_text("")
    for told, match in (
        ("pusula@deniz.example", "is not selector@domain"),
        (f"pusula@deniz.example={tmp_path}/none.pem", "cannot be read"),
        (f"pusula@deniz.example={tmp_path}/empty.pem", "no private key"),
        (f"pusula@deniz.example={other}", "RSA key"),
        (f"pu;sula@deniz.example={rsa_key}", "no name in DNS"),
    ):
        with pytest.raises(DkimError, match=match):
            signers(told)
