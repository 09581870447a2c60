"""What other machines call: tracking links, one-click unsubscribe."""
