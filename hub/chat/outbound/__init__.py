"""From an answer to a network: its parts, their sending, and what became of each."""
