"""Writing to a person later: times and repetitions in words, and the tools of the model."""
