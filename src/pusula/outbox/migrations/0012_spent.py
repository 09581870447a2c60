"""How much of a budget an hour or day has spent, and what only informs found past what waits."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """How much of a budget is spent, and what only informs found past what waits."""

    dependencies = [
        ("outbox", "0011_write_from_card"),
    ]

    operations = [
        migrations.CreateModel(
            name="Spent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("email", "Email"),
                            ("sms", "Sms"),
                            ("whatsapp", "Whatsapp"),
                            ("call", "Call"),
                            ("webpush", "Webpush"),
                        ],
                        max_length=10,
                    ),
                ),
                ("per", models.CharField(max_length=4)),
                ("start_at", models.BigIntegerField()),
                ("n", models.IntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("channel", "per", "start_at"), name="spent_once"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("is_commercial", False), ("state", "pending")),
                fields=["state", "due_at", "id"],
                name="message_informing",
            ),
        ),
    ]
