"""Programs started by `hub.child_processes` as files: they import nothing of the hub."""
