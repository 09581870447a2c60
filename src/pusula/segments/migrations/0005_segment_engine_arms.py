"""The arms of each campaign, so that a mistyped one is refused."""

from django.db import migrations, models


def fill(apps, _editor):
    arms = {}
    members = apps.get_model("segments", "SetMember").objects.exclude(arm="").order_by()
    for set_id, arm in members.values_list("set_id", "arm").distinct():
        arms.setdefault(set_id, []).append(arm)
    for held in apps.get_model("segments", "ProfileSet").objects.filter(pk__in=arms):
        held.arms = sorted(arms[held.pk])
        held.save(update_fields=["arms"])


class Migration(migrations.Migration):

    dependencies = [
        ('segments', '0004_segment_engine_moves'),
        ('campaigns', '0003_segment_engine_sets'),  # which makes sets without arms
    ]

    operations = [
        migrations.AddField(
            model_name='profileset',
            name='arms',
            field=models.JSONField(
                db_default=models.Value([], models.JSONField()), default=list
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
