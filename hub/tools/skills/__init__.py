"""Skills in a conversation: what is listed, what is read, which tools come with it."""
