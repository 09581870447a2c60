"""Orders as they stood at a moment, for the SQL of those who count them."""

from __future__ import annotations

# Columns: id, profile_id, ordered_at, starts_on, status, net_base_minor, gross_base_minor.
# Parameters: the moment asked about, and the half-open range of ``ordered_at``. A change at the
# moment itself is not known yet; one that came later (a cancellation) does not leak back.
AS_OF = """
SELECT id, profile_id, ordered_at, starts_on, status, net_base_minor, gross_base_minor
FROM (
  SELECT o.id, o.profile_id, o.ordered_at, c.starts_on, c.status, c.net_base_minor,
         c.gross_base_minor,
         row_number() OVER (
           PARTITION BY o.id ORDER BY c.changed_at DESC, c.recorded_at DESC, c.id DESC
         ) AS nth
  FROM orders_order o
  JOIN orders_orderchange c ON c.order_id = o.id AND c.changed_at < %s
  WHERE o.ordered_at >= %s AND o.ordered_at < %s
) seen
WHERE nth = 1
"""
