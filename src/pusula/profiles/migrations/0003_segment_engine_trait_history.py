"""Traits written before they had a history begin it with what they say now.

What was computed holds since it was; of what a source told nobody said since when: ever.
"""

from django.db import migrations

FILL = """
INSERT INTO profiles_traitchange
  (profile_id, name, kind, text, text_fold, number, day, source, changed_at, recorded_at)
SELECT profile_id, name, kind, text, text_fold, number, day, source,
       CASE WHEN source = 'rfm' THEN updated_at ELSE 0 END, updated_at
FROM profiles_trait
"""


class Migration(migrations.Migration):

    dependencies = [('profiles', '0002_segment_engine')]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
