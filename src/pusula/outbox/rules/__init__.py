"""What limits messages, as pure code: the same for live decisions and for a replay of history."""
