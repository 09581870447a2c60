"""New definitions on their way to being shown: compared, previewed, confirmed, taken over."""
