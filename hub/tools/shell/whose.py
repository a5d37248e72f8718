"""Whose workspace it is: a person's, by whatever name the business calls them."""

import asyncio
import contextlib
import os
from pathlib import Path
from uuid import UUID

from hub import phones
from hub.runtime import Hub
from hub.store import people
from hub.tools.shell import places
from hub.tools.shell.folders import room
from hub.tools.shell.places import Place


async def place(hub: Hub, account: UUID, user: str, *, person: UUID | None = None, make: bool = False) -> Place:
    """The workspace of an external user; one that nobody has had anything in is empty. person: who it is, where that is
    known. make: something will be kept there.

    Of people who were joined the oldest's is used; the other's waits, untouched, for the case that they are split.
    """
    who = person or (
        await people.owner(hub.db, account, user) if make else await people.user(hub.db, account, user)
    )
    known = await people.get(hub.db, account, who) if who else None
    before = places.kept(hub.settings.home, account, user)
    if known is None:
        return before
    own = places.of_person(hub.settings.home, account, known["id"])
    # A folder under a user name of a network may be that of who had the name before.
    if known["id"] == who and (not phones.user_name(user.strip()) or await people.alone(hub.db, account, user, who)):
        await asyncio.to_thread(_carried, before.folder, own)
    return own


def _carried(before: Path, own: Place) -> None:
    """What was kept under the external user's name, before people had ids, is theirs: once, whole."""
    if not before.exists():
        return
    with room(), contextlib.suppress(FileNotFoundError):
        try:
            os.rename(before, own.folder)
        except OSError:
            # They have files already: what was kept under another name of theirs comes beside them.
            own.make()
            beside = own.files / f"earlier-{before.name[:8]}"
            if not beside.exists():
                os.rename(before / "files", beside)
            places.discard(before)
