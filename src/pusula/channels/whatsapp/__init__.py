"""WhatsApp by Meta's Cloud API: approved templates out, signed statuses back."""
