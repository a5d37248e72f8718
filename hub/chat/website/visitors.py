"""Visitors of a website: how they enter, by which key their browser comes back, and who they are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit
from uuid import UUID

from hub import ids
from hub.accounts import salts
from hub.chat.clients import sessions
from hub.chat.clients.sessions import Opened, Wanted
from hub.chat.clients.styles import allows
from hub.chat.website import pre_chat, prompts
from hub.chat.website.identity import ANON, Person, person
from hub.errors import Forbidden, NotFound, Unavailable
from hub.runtime import Hub
from hub.store import scope, web_sessions
from hub.store.web_sessions import Door, Visit

SECONDS = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser says of its visitor. `held`: the access key it has from before."""

    tag: str | None = None
    signed: str | None = None
    token: str | None = None
    attributes: Mapping[str, str] | None = None
    held: str | None = None


async def door(hub: Hub, client_id: UUID) -> Door:
    """Raise NotFound for no chat client, Unavailable for one that nobody answers."""
    with scope.itself():
        found = await web_sessions.door(hub.db, client_id)
    if found is None:
        raise NotFound("No such chat client.")
    scope.enter(found.account_id)
    if not found.open:
        raise Unavailable
    return found


def check_origin(door: Door, origin: str | None, host: str) -> None:
    """Raise Forbidden for a page that may not embed the chat; the hub's own pages (`host`) may."""
    allowed = door.parameters.get("allowedFrameOrigins") or []
    if not allowed or (origin and (urlsplit(origin).netloc == host or allows(allowed, origin.lower()))):
        return
    raise Forbidden(f"Origin {origin or 'unknown'} is not in allowedFrameOrigins of this chat.", code="origin_refused")


async def held(hub: Hub, door: Door, key: str | None, *, renew: bool = True) -> Visit | None:
    """The live session of this client that a browser has the key of; renewed when half of its time is over, unless
    somebody only looks at it."""
    try:
        seen = await prompts.visit(hub, key) if key else None
    except Unavailable:
        return None
    if seen is None or seen.client_id != door.client_id:
        scope.enter(door.account_id)
        return None
    if renew:
        await web_sessions.renew(hub.db, seen, SECONDS)
    return seen


async def remembered(hub: Hub, door: Door, key: str | None) -> Visit | None:
    """The same, unless it is a proved person's: whoever sits at the browser has proved nothing yet."""
    seen = await held(hub, door, key, renew=False)
    return seen if seen is not None and _same(seen, Person()) else None


async def enter(hub: Hub, door: Door, asked: Asked) -> Opened:
    """The session of a proved person, the one this browser has already, or a new one.

    A name without proof never opens somebody's conversation: it becomes `anon:<name>:<random>`, and only
    the browser that holds the key comes back to it. Raise Invalid where the form before a chat is not filled in.
    """
    salt = salts.opened(hub.sealer, door.account_id, door.salt)
    who = person(
        salt, door.parameters.get("identityPublicKey"), str(door.client_id),
        tag=asked.tag, signed=asked.signed, token=asked.token, attributes=asked.attributes or {},
    )
    seen = await held(hub, door, asked.held)
    if seen is not None and asked.held and _same(seen, who):
        if who.said:
            await web_sessions.describe(hub.db, seen.account_id, seen.session_id, dict(who.said))
        return Opened(seen.session_id, asked.held, sessions.talk_url(hub.settings, asked.held))
    if not who.verified:
        kept = pre_chat.checked(door.parameters.get("preChat") or (), asked.attributes or {})
        who = replace(who, said={f"{ANON}{name}": value for name, value in kept.items()})
    tag = who.tag if who.verified or not who.tag else f"{ANON}{who.tag}:{ids.access_key()[-12:]}"
    wanted = Wanted(tag=tag, extra_context=None, context_location=None, metadata=None, seconds=SECONDS)
    opened = await sessions.open(hub, door.account_id, door.client_id, wanted)
    if who.said:
        # Beside what the business itself has written there.
        await web_sessions.describe(hub.db, door.account_id, opened.id, dict(who.said))
    return opened


def _same(seen: Visit, who: Person) -> bool:
    """Whether the session at hand is this person's."""
    if who.verified:
        return seen.tag == who.tag
    if who.tag:
        return (seen.tag or "").startswith(f"{ANON}{who.tag}:")
    return seen.tag is None or seen.tag.startswith(ANON)
