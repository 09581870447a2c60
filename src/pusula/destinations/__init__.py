"""Systems that get something from us: files and views for business intelligence."""
