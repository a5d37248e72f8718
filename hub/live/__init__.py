"""Valkey or Redis: hints that may be lost at any moment. The only place with Redis commands."""
