"""Programs started by `hub.child_processes` as files, one for each family of files: they import nothing of the hub but
their neighbours here."""
