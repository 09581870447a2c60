"""Campaigns that started before segments could ask for their people become sets of profiles."""

from django.db import migrations

SETS = """
INSERT INTO segments_profileset (sort, "key", title, created_at)
SELECT 'campaign', "key", title, started_at FROM campaigns_campaign
WHERE started_at IS NOT NULL
"""
MEMBERS = """
INSERT INTO segments_setmember (set_id, profile_id, arm, since_at)
SELECT held.id, one.profile_id, CASE WHEN one.variant <> '' THEN one.variant ELSE one.arm END,
       one.assigned_at
FROM campaigns_assignment one
JOIN campaigns_campaign campaign ON campaign.id = one.campaign_id
JOIN segments_profileset held ON held.sort = 'campaign' AND held."key" = campaign."key"
WHERE one.arm <> 'excluded'
"""


class Migration(migrations.Migration):

    dependencies = [('campaigns', '0002_adopted'), ('segments', '0003_segment_engine')]

    operations = [
        migrations.RunSQL(SETS, migrations.RunSQL.noop),
        migrations.RunSQL(MEMBERS, migrations.RunSQL.noop),
    ]
