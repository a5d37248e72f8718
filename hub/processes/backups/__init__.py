"""Backups: made while the hub runs, restored, and rehearsed; see deploy/README.md."""
