"""Adapters to the networks: translation only, nothing of the hub."""
