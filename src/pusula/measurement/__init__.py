"""What a campaign earned, against its holdout."""
