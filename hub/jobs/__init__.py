"""Doors for jobs: unpack ids, one call."""
