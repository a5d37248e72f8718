"""The chat on a website: visitors, their prompts, the transcript and its live events."""
