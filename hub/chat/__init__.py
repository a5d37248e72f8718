"""The conversation: messages in, turns, answers out."""
