"""Chat clients and what belongs to them: integrations with networks, pairing, sessions, styles."""
