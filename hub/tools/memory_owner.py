"""Whose memories, dates and files a turn may use: those of the person it talks to."""

from uuid import UUID

from hub.store import people
from hub.tools.base import Context, ToolFailed


def user_of(context: Context) -> str | None:
    """The external user id, without spaces around it."""
    return (context.external_user or "").strip() or None


def named(context: Context) -> str:
    """By which name what is kept is shown to the business."""
    return user_of(context) or str(context.person)


async def owner_of(context: Context) -> UUID | None:
    """The person the turn talks to; None when nobody is named, or when nothing was ever kept for them."""
    if context.person is not None:
        return context.person
    user = user_of(context)
    return await people.user(context.hub.db, context.account_id, user) if user else None


async def required(context: Context) -> UUID:
    """The same, to keep something for. Raise ToolFailed when nobody is named."""
    if context.person is not None:
        return context.person
    user = user_of(context)
    if user is None:
        raise ToolFailed("This conversation names no person (session tag or `user`), so nothing can be kept for one.")
    return await people.owner(context.hub.db, context.account_id, user)
