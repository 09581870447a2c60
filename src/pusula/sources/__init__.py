"""Data coming in: files today, connected systems beside them."""
