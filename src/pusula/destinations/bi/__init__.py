"""What analysts read: a master table, fact tables and their dictionary, as files and as views."""
