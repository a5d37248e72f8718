"""WhatsApp's Cloud API through Kapso."""

from channels.kapso.send import Kapso

__all__ = ["Kapso"]
