"""What the model may call during a turn."""
