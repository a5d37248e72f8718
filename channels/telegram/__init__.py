"""Telegram Bot API: the only place that knows aiogram."""

from channels.telegram.send import Telegram

__all__ = ["Telegram"]
