"""Before a test: how many people and days it takes, and what it can show."""
