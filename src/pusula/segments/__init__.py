"""Named conditions over customers, and who is in them from when until when."""
