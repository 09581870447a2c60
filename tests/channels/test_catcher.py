"""The local mailbox keeps what is sent to it, and lists it newest first."""

from __future__ import annotations

import smtplib

from tests.channels.test_mime import MAIL

from pusula.channels.email.catcher import catching, mail, mails
from pusula.channels.email.mime import composed


def test_mails_are_kept_listed_and_read(tmp_path):
    folder = tmp_path / "mailbox"
    with catching(folder, "127.0.0.1", 0) as port, smtplib.SMTP("127.0.0.1", port) as client:
        for name in ("ayse", "mehmet"):
            client.sendmail("otel@deniz.example", f"{name}@example.com", composed(MAIL))
    newest, oldest = mails(folder)
    assert newest.at >= oldest.at
    assert newest.subject == MAIL.subject
    found = mail(folder, newest.key)
    assert found is not None
    assert ("X-Envelope-To", "mehmet@example.com") in found.headers
    assert "Merhaba Ayşe" in found.text
    assert "<p>Merhaba Ayşe</p>" in found.html
    assert len(mails(folder, limit=1)) == 1


def test_a_key_from_outside_leads_nowhere_else(tmp_path):
    (tmp_path / "secret.eml").write_text("Subject: x\n\n")
    for key in ("../secret", "secret", "", "/etc/passwd", "1790000000000000-../../secret"):
        assert mail(tmp_path, key) is None
    assert mails(tmp_path / "nowhere") == []
