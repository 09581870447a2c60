"""How long it takes to find who may be one person: among everybody, and among who changed.

``python bench/linkage.py [PEOPLE] [SHARE]``: an installation of made-up people of whom one in
twenty is there twice; everybody is compared, then nobody, then SHARE of them with another phone.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

GIVEN = [
    "Ayşe", "Mehmet", "Fatma", "Ali", "Zeynep", "Can", "Elif", "Emre", "Derya", "Kerem", "Selin",
    "Murat", "İrem", "Ozan", "Hatice", "Mustafa", "Emine", "Ahmet", "Hüseyin", "Hasan", "Meryem",
    "İbrahim", "Şerife", "Osman", "Sultan", "Yusuf", "Hacer", "Halil", "Leyla", "Ömer",
]  # fmt: skip
FAMILY = [
    "Yılmaz", "Kaya", "Demir", "Çelik", "Şahin", "Öztürk", "Aydın", "Arslan", "Doğan", "Kılıç",
    "Polat", "Koç", "Kurt", "Özdemir", "Şimşek", "Özkan", "Çakır", "Erdoğan", "Yavuz", "Can",
    "Acar", "Aktaş", "Ünal", "Korkmaz", "Bulut", "Keskin", "Turan", "Gül", "Avcı", "Işık",
]  # fmt: skip
CITIES = ("İstanbul", "Ankara", "İzmir", "Bursa", "Antalya", "Adana", "Konya", "Muğla")
SHARE = 0.01
TWICE = 20  # every so manieth


def fill(n: int) -> None:
    """Write ``n`` people; every twentieth is one of those before, with a slip."""
    from django.db import connection, transaction  # noqa: PLC0415  settings first

    from pusula.lake import rows  # noqa: PLC0415

    dice = random.Random(11)
    people: list[tuple[str, str, date, str, str, str]] = []
    for i in range(n):
        if i % TWICE == TWICE - 1:
            first, last, born, mail, phone, city = people[dice.randrange(len(people))]
            people.append((first[:-1] + dice.choice("aei"), last, born, f"x{mail}", phone, city))
            continue
        first = f"{dice.choice(GIVEN)} {dice.choice(GIVEN)}" if i % 3 else dice.choice(GIVEN)
        last = dice.choice(FAMILY) + dice.choice(("", "", "oğlu", "er", "soy", "türk"))
        born = date(1940, 1, 1) + timedelta(dice.randrange(24_000))
        mail = f"{first.split()[0]}.{last}{i}@example.com".lower()
        people.append((first, last, born, mail, f"+90532{i:07}", dice.choice(CITIES)))
    with transaction.atomic():
        rows.insert(
            connection,
            "profiles_profile",
            ("id", "first_name", "last_name", "name_key", "created_at", "recorded_at"),
            ((i + 1, one[0], one[1], "", 1, 1) for i, one in enumerate(people)),
        )
        rows.insert(
            connection,
            "profiles_identifier",
            ("profile_id", "kind", "value", "source", "recorded_at"),
            (
                (i + 1, kind, value, "pms", 1)
                for i, one in enumerate(people)
                for kind, value in (("email", one[3]), ("phone", one[4]))
            ),
        )
        rows.insert(
            connection,
            "profiles_trait",
            ("profile_id", "name", "kind", "text", "text_fold", "day", "source", "updated_at"),
            (
                row
                for i, one in enumerate(people)
                for row in (
                    (i + 1, "birth_date", "day", "", "", one[2], "pms", 1),
                    (i + 1, "city", "text", one[5], one[5].lower(), None, "pms", 1),
                )
            ),
        )


def propose(what: str) -> None:
    """Compare and print what it took."""
    from pusula.pipeline import linkage  # noqa: PLC0415

    began, cpu = time.perf_counter(), time.process_time()
    outcome = linkage.propose()
    print(
        f"{what:<16} {outcome.n_changed:>9,} changed of {outcome.n_profiles:,}"
        f"  {time.perf_counter() - began:7.1f} s  {time.process_time() - cpu:7.1f} CPU-s"
        f"  peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"
        f"  {outcome.n_open:,} proposals",
        flush=True,
    )


def main() -> None:
    """Measure."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    share = float(sys.argv[2]) if len(sys.argv) > 2 else SHARE  # noqa: PLR2004
    with tempfile.TemporaryDirectory(prefix="pusula-bench-") as home:
        os.environ["PUSULA_HOME"] = str(Path(home))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pusula.config.settings")
        import django  # noqa: PLC0415

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        from pusula.profiles.models import Identifier  # noqa: PLC0415

        for database in ("default", "log"):
            call_command("migrate", database=database, verbosity=0)
        fill(n)
        propose("everybody")
        propose("nobody")
        changed = range(1, n, round(1 / share))
        for number in changed:
            Identifier.objects.filter(profile_id=number, kind="phone").update(
                value=f"+90533{number:07}"
            )
        propose(f"{share:.1%}")


if __name__ == "__main__":
    main()
