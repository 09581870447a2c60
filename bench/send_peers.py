"""What ``bench/send.py`` is compared with: Django's own mass mail and django-post_office.

Both get the mail already filled, as text and HTML; sending it is all they do. Run as
``python send_peers.py mass|post_office PORT N HTML_FILE``; prints seconds and CPU seconds.
"""

# ruff: noqa: PLC0415 - models can be imported only when Django is set up

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Send and print."""
    which, port, n, html = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    import django
    from django.conf import settings

    settings.configure(
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{tempfile.mkdtemp()}/peer.sqlite3",
            }
        },
        INSTALLED_APPS=["django.contrib.contenttypes"] + ["post_office"] * (which == "post_office"),
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        POST_OFFICE={"MAX_RETRIES": 0, "BATCH_SIZE": 100, "THREADS_PER_PROCESS": 1},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        USE_TZ=True,
    )
    django.setup()
    body = Path(html).read_text("utf-8")
    sent = {"mass": _mass, "post_office": _post_office}[which]
    wall, cpu = sent(n, body)
    print(wall, cpu)


def _mass(n: int, body: str) -> tuple[float, float]:
    from django.core.mail import EmailMultiAlternatives, get_connection

    began, used = time.perf_counter(), time.process_time()
    mails = []
    for i in range(n):
        mail = EmailMultiAlternatives(
            "Ayşe, hafta sonu fırsatı", "Merhaba Ayşe", "otel@deniz.example", [f"p{i}@example.com"]
        )
        mail.attach_alternative(body, "text/html")
        mails.append(mail)
    get_connection().send_messages(mails)
    return time.perf_counter() - began, time.process_time() - used


def _post_office(n: int, body: str) -> tuple[float, float]:
    from django.core.management import call_command
    from post_office import mail

    call_command("migrate", verbosity=0)
    began, used = time.perf_counter(), time.process_time()
    mail.send_many(
        [
            {
                "sender": "otel@deniz.example",
                "recipients": [f"p{i}@example.com"],
                "subject": "Ayşe, hafta sonu fırsatı",
                "message": "Merhaba Ayşe",
                "html_message": body,
            }
            for i in range(n)
        ]
    )
    while mail.get_queued().exists():
        mail.send_queued(processes=1, log_level=0)
    return time.perf_counter() - began, time.process_time() - used


if __name__ == "__main__":
    main()
