"""Programs started by `hub.children` as files: they import nothing of the hub."""
