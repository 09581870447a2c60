"""Reports: figures of a period, funnels, cohorts, what is ascribed to messages; by mail as well."""
