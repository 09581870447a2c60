"""Give runs the keys of rules that count only what differs from the usual."""

import hashlib
import json

from django.db import migrations

USUAL = {
    "look_back_months": None,
    "ties": "profile_key",
    "pool": {
        "min_orders": 1,
        "min_orders_in": "look_back",
        "ordered_within_days": None,
        "exclude": [],
    },
    "orders": {
        "count": "orders",
        "dated_by": "booking",
        "amount": "net",
        "statuses": [],
        "returns": "subtract",
    },
    "recency": {"measure": "floor_days", "cuts": [], "quantiles": 5},
    "frequency": {"quantiles": 5, "ranked": True},
    "monetary": {"quantiles": 5, "above_zero": True},
    "groups": {},
}


def unusual(given, usual):
    found = {}
    for name, value in given.items():
        as_usual = usual.get(name)
        if isinstance(value, dict) and isinstance(as_usual, dict):
            value = unusual(value, as_usual) or as_usual
        if value != as_usual:
            found[name] = value
    return found


def rekey(apps, schema_editor):
    runs = apps.get_model("rfm", "RfmRun")
    for run in runs.objects.order_by("pk").only("pk", "as_of_on", "config"):
        said = unusual(run.config, USUAL)
        written = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        key = hashlib.sha256(written.encode()).hexdigest()
        # A day that has a run by the same rules already keeps both, under two keys.
        if not runs.objects.filter(as_of_on=run.as_of_on, config_key=key).exists():
            runs.objects.filter(pk=run.pk).update(config_key=key)


class Migration(migrations.Migration):
    dependencies = [("rfm", "0005_project")]

    operations = [migrations.RunPython(rekey, migrations.RunPython.noop, elidable=True)]
