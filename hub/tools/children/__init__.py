"""Programs that work on what strangers wrote, each in a process of its own with nothing to lose.

They are started by `hub.child_processes` as files, import nothing of the hub, read what they work on
from their input and write what they made to their output.
"""
