"""Whose memories, dates and files a turn may use: those of the person it talks to."""

from hub.tools.base import Context, ToolFailed


def owner_of(context: Context) -> str | None:
    """The external user id, without spaces around it."""
    return (context.external_user or "").strip() or None


def required(context: Context) -> str:
    """Raise ToolFailed when nobody is named."""
    found = owner_of(context)
    if found is None:
        raise ToolFailed("This conversation names no person (session tag or `user`), so nothing can be kept for one.")
    return found
