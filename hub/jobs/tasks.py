"""The functions arq calls."""

import logging
from typing import Any
from uuid import UUID

from arq import Retry

from hub.chat.inbound import media
from hub.chat.outbound import delivery
from hub.chat.website import voice_notes
from hub.errors import HubError
from hub.jobs.slots import UNKNOWN
from hub.outreach import admission
from hub.studio.ares import learning

log = logging.getLogger(__name__)

Ctx = dict[str, Any]
# Answers that are said at once, of what is done beside turns (`BULK_JOBS` of hub.processes.worker); seconds until one
# that found no place tries again, and how often it does.
VOICES, AGAIN, PATIENCE = 4, 1.0, 120


async def turn(ctx: Ctx, session: str, *lane: str) -> None:
    ctx["runner"].turn(UUID(session), lane or UNKNOWN)


async def turns(ctx: Ctx, *sessions: list[str]) -> None:
    """Those of which one flush told; each takes a place of its own, or waits for one."""
    for session, account, integration in sessions:
        ctx["runner"].turn(UUID(session), (account, integration))


async def send(ctx: Ctx, session: str, *lane: str) -> None:
    ctx["runner"].send(UUID(session), lane or UNKNOWN)


async def run(ctx: Ctx, run: str) -> None:
    ctx["runner"].run(UUID(run))


async def failed(ctx: Ctx, integration: str, fate: dict[str, Any]) -> None:
    await delivery.failed_later(ctx["hub"], UUID(integration), fate)


async def acknowledge(ctx: Ctx, integration: str, callback: str) -> None:
    """A button was pressed: its spinner stops, whatever becomes of the press."""
    await delivery.acknowledge(ctx["hub"], UUID(integration), callback)


async def outreach(ctx: Ctx) -> None:
    """Something unasked may go out; a bell that is lost is made good by the sweep."""
    await admission.run(ctx["hub"])


async def fetch_media(ctx: Ctx, message: str) -> None:
    """Fetched ahead of the turn; a turn that comes first fetches by itself."""
    try:
        await media.fetch_message(ctx["hub"], UUID(message))
    except HubError as e:
        log.warning("media of message %s not fetched: %s", message, e)


async def speak(ctx: Ctx, account: str, session: str, message: str) -> None:
    """An answer is said as well. A service that hangs holds up nothing else that is done here, and an account that has
    many answers nobody else's."""
    speaking: list[str] = ctx["speaking"]
    if len(speaking) >= VOICES or speaking.count(account) >= VOICES - 1:
        if ctx["job_try"] < PATIENCE:
            raise Retry(defer=AGAIN)
        log.warning("answer %s is not said: too many are", message)
        return
    speaking.append(account)
    try:
        await voice_notes.speak(ctx["hub"], UUID(account), UUID(session), UUID(message))
    finally:
        speaking.remove(account)


async def learn(ctx: Ctx) -> None:
    """Something that a user of ARES said may be learned from; the sweep finds it too."""
    await learning.run(ctx["hub"])
