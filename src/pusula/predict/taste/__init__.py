"""What a customer would like next: bought together, and implicit factors."""
