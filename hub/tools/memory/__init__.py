"""What a model remembers about a person, and the person's dates."""
