"""A shell for models: commands in a sandbox, and the files they leave."""
