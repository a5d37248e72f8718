"""Telegram Bot API."""

from channels.telegram.send import Telegram

__all__ = ["Telegram"]
