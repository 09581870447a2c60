"""Every change belongs to a profile and is found by it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('orders', '0003_segment_engine_fill_history')]

    operations = [
        migrations.AlterField('orderchange', 'profile', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='order_changes', to='profiles.profile')),
        migrations.AddIndex('orderchange', models.Index(fields=['profile', 'order'], name='order_change_by_profile')),
    ]
