# Every stored version says its control group, so that it goes on meaning what it meant.

from django.db import migrations


def say(apps, schema_editor):
    versions = apps.get_model('journeys', 'JourneyVersion').objects.only('definition')
    for version in versions.iterator(chunk_size=200):
        if 'holdout' not in version.definition:
            version.definition['holdout'] = '0 %'
            version.save(update_fields=['definition'])


class Migration(migrations.Migration):

    dependencies = [
        ('journeys', '0003_planning'),
    ]

    operations = [
        migrations.RunPython(say, migrations.RunPython.noop),
    ]
