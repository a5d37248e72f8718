"""WhatsApp's Cloud API, straight from Meta."""

from channels.cloud.send import WhatsAppCloud

__all__ = ["WhatsAppCloud"]
