"""WhatsApp through an Evolution API server."""

from channels.evolution.send import Evolution

__all__ = ["Evolution"]
