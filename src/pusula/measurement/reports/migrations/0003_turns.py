# Who counts an answer has a turn, which ends with the process.

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0002_crashes'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='answer',
            name='taken_at',
        ),
    ]
