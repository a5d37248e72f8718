"""Programs started as processes of their own: they import nothing of the hub."""
