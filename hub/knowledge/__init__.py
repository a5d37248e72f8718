"""Collections of documents: what the assistants know."""
