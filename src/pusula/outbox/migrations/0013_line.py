"""Indexes that a message leaves alone on its way: only what waits stands in line."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Indexes that a message leaves alone on its way: only what waits stands in line."""

    dependencies = [
        ("outbox", "0012_spent"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="message",
            name="message_in_line",
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["due_at", "id"],
                name="message_in_line",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["due_at"], name="message_by_due"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(
                    ("state", "skipped"), ("state", "failed"), ("state", "unknown"), _connector="OR"
                ),
                fields=["state", "due_at"],
                name="message_not_sent",
            ),
        ),
    ]
