"""The unit of plan and measure: goal, audience, exclusions, holdout, window, cost."""
