"""What journeys ask people of the company: calls and approvals, and what comes of them."""
