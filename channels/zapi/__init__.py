"""WhatsApp through Z-API."""

from channels.zapi.send import ZApi

__all__ = ["ZApi"]
