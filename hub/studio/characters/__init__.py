"""Characters: agents with a look, conversations with them, and images."""
