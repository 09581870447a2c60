"""Campaigns that begin by themselves: their moment, what was agreed, what kept them."""

from __future__ import annotations

from django.db import migrations, models

STATES = ["draft", "scheduled", "sending", "running", "finished"]


class Migration(migrations.Migration):
    """Add the columns of a scheduled start."""

    dependencies = [("campaigns", "0007_templates")]

    operations = [
        migrations.AddField("campaign", "starts_at", models.BigIntegerField(null=True)),
        migrations.AddField("campaign", "scheduled_at", models.BigIntegerField(null=True)),
        migrations.AddField("campaign", "agreed_n", models.IntegerField(null=True)),
        migrations.AddField(
            "campaign", "trouble", models.CharField(blank=True, max_length=400, default=""),
            preserve_default=False,
        ),
        migrations.AlterField(
            "campaign", "state",
            models.CharField(
                choices=[(state, state) for state in STATES], default="draft", max_length=10
            ),
        ),
    ]  # fmt: skip
