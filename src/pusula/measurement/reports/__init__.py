"""Reports: figures of a period, funnels, cohorts, credit of messages; on pages and by mail."""
