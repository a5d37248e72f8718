"""Messages that nobody just asked for: schedules that fire, campaigns, and the policy they go through."""
