"""Limits as versions: by command and by file, documented to the last reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pusula.ops.sending import sending
from pusula.outbox import policies
from pusula.outbox.reasons import Reason
from pusula.outbox.rules.policy import PolicyError
from pusula.privacy.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def run():
    def invoke(*words: str) -> str:
        result = CliRunner().invoke(sending, ["policy", *words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_what_is_shown_can_be_applied_and_changes_nothing(run, tmp_path):
    file = tmp_path / "limits.yaml"
    file.write_text("caps: [{most: 1, in: 24h}]\nholdout: {share: 5%}\n", encoding="utf-8")
    assert "Version 1 holds now" in run("apply", str(file), "--note", "first")
    shown = run("show")
    file.write_text(shown, encoding="utf-8")
    assert "held already" in run("apply", str(file))
    file.write_text("", encoding="utf-8")
    assert "Version 2 holds now" in run("apply", str(file))
    assert run("show") == "# version 2\n# No limits.\n"
    assert run("show", "--version", "1") == shown
    assert [one.split()[0] for one in run("history").splitlines()] == ["2", "1"]
    assert "first" in run("history")
    assert AuditEntry.objects.filter(verb="sending.limits").count() == 2


def test_a_file_that_cannot_be_used_changes_nothing(run, tmp_path):
    with pytest.raises(PolicyError, match="cannot be read"):
        run("apply", str(tmp_path / "missing.yaml"))
    file = tmp_path / "limits.yaml"
    file.write_text("caps: [{most: none, in: 24h}]", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"limits\.yaml: caps\[0\]\.most"):
        run("apply", str(file))
    with pytest.raises(PolicyError, match="no version 7"):
        run("show", "--version", "7")
    assert policies.current().number == 0


def test_the_example_of_the_documents_is_a_policy_and_every_reason_is_explained(run, tmp_path):
    text = (DOCS / "sending.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    file = tmp_path / "example.yaml"
    file.write_text(example, encoding="utf-8")
    run("apply", str(file))
    table = text[text.index("## Reasons") :]
    for reason in Reason:
        assert f"`{reason.value}`" in table, reason
