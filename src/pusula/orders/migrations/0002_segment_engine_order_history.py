"""The history of orders keeps every column that a segment can ask for."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0001_initial'),
        ('profiles', '0001_initial'),
    ]

    operations = [
        migrations.AddField('orderchange', 'profile', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='order_changes', to='profiles.profile')),
        migrations.AddField('orderchange', 'ordered_at', models.BigIntegerField(default=0), preserve_default=False),
        migrations.AddField('orderchange', 'cancelled_at', models.BigIntegerField(null=True)),
        migrations.AddField('orderchange', 'property', models.CharField(blank=True, default='', max_length=120), preserve_default=False),
        migrations.AddField('orderchange', 'region', models.CharField(blank=True, default='', max_length=120), preserve_default=False),
        migrations.AddField('orderchange', 'room_type', models.CharField(blank=True, default='', max_length=80), preserve_default=False),
        migrations.AddField('orderchange', 'board', models.CharField(blank=True, default='', max_length=40), preserve_default=False),
        migrations.AddField('orderchange', 'channel', models.CharField(blank=True, default='', max_length=60), preserve_default=False),
        migrations.AddField('orderchange', 'adults', models.SmallIntegerField(null=True)),
        migrations.AddField('orderchange', 'children', models.SmallIntegerField(null=True)),
        migrations.AddField('orderchange', 'gross_base_minor', models.BigIntegerField(default=0), preserve_default=False),
    ]
