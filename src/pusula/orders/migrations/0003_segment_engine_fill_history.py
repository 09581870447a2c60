"""Changes written before the history kept everything take what the order says now."""

from django.db import migrations

COLUMNS = (
    'profile_id, ordered_at, cancelled_at, property, region, room_type, board, channel, adults, '
    'children, gross_base_minor'
)
FILL = f"""
UPDATE orders_orderchange SET ({COLUMNS}) = (
  SELECT profile_id, ordered_at,
         CASE WHEN orders_orderchange.status = 'cancelled' THEN cancelled_at END,
         property, region, room_type, board, channel, adults, children, gross_base_minor
  FROM orders_order WHERE orders_order.id = orders_orderchange.order_id
)
"""


class Migration(migrations.Migration):

    dependencies = [('orders', '0002_segment_engine_order_history')]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
