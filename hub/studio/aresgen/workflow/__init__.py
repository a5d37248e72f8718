"""Workflows: read, checked, run step by step."""
