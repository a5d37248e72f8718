"""A placeholder whose id nobody learned is found and removed: the network tells what messages of ours say."""

import logging
from collections.abc import Sequence

from channels.base import ChannelError, Link, Probes
from channels.outbound import Choice
from hub.chat.clients.link import open_link
from hub.chat.outbound.delivery import PLACEHOLDER
from hub.runtime import Hub
from hub.store import outbox, strays
from hub.store.strays import ABOVE, FAR, FAR_FROM_QUESTION, Left, Stray

log = logging.getLogger(__name__)

# How many ids before messages of ours, and after the question, are tried in one look, the nearest first, of how many
# that are looked for among ours. Ids are one row for all chats of a bot: where many write there are as many between two
# messages of one chat, and the next look goes on with those that are further away (`FAR`).
REACH, LOOKED = 100, 500
STEP = 20  # how many are asked about before it is written down how far one has come
# How often it is looked for, each time after twice the pause; and how often one whose id is known is asked for.
TRIES, QUIET = 6, 3
GIVES_UP = 3  # calls in a row that a network fails, after which it is left alone for now
ROUNDS = 3  # how often a message is asked about in one look where the network fails now and then


async def take_away(hub: Hub, one: Left) -> None:
    """One whose id is known. A network that refuses now is asked again later, a few times."""
    integration = None if one.used else await outbox.integration(hub.db, one.integration)
    if integration is not None:
        try:
            await hub.channels[integration["channel"]].delete(open_link(hub, integration), one.chat, one.network_id)
            log.info("a placeholder that nothing fills in any more was removed")
        except ChannelError as e:
            log.info("placeholder not removed: %s", e)
            if one.tries < QUIET:
                return
    await strays.taken(hub.db, one.session, one.network_id)


async def remove(hub: Hub, stray: Stray) -> None:
    """Look for it once; a network that refuses now is asked again later, a few times."""
    integration = await outbox.integration(hub.db, stray.integration)
    channel = hub.channels[integration["channel"]] if integration else None
    if integration is None or stray.tries > TRIES or not isinstance(channel, Probes):
        await strays.done(hub.db, stray)
        return
    if stray.waits or (stray.coming and not stray.after):
        await strays.later(hub.db, stray)
        return
    ids, reach, found = _candidates(stray), stray.reach, list[int]()
    link = open_link(hub, integration)
    tried = await strays.unknown(hub.db, stray.integration, list(ids), REACH)
    for n in range(0, len(tried), STEP):
        untold = await _asked(hub, channel, link, stray, tried[n : n + STEP], found)
        following = tried[n + STEP] if n + STEP < len(tried) else None
        further = ids.get(following if untold is None else untold, 0) - 1
        if further > reach:
            # What was told is not asked for again, so that neither a network that fails now and then nor the death of
            # whoever asks uses up the tries.
            reach, going = further, await strays.deeper(hub.db, stray, further)
            if going is None:
                return
            stray = going
        if untold is not None:
            await _not_told(hub, stray, reach)
            return
    if len(tried) == REACH:
        # What is as far away as the last one that was tried may not all have been among them.
        await strays.further(hub.db, stray, ids[tried[-1]] - 1)
    elif len(ids) >= LOOKED:
        await strays.further(hub.db, stray, max(ids.values()))
    elif found or await _none_behind(hub, channel, link, stray, found):
        await strays.done(hub.db, stray)
    else:
        await _not_told(hub, stray, reach)


async def _not_told(hub: Hub, stray: Stray, reach: int) -> None:
    """The network did not tell of all: it is asked again later, a few times where that brings nothing."""
    if reach == stray.reach and stray.tries >= TRIES:
        await strays.done(hub.db, stray)


async def _asked(
    hub: Hub, channel: Probes, link: Link, stray: Stray, ids: Sequence[int], found: list[int]
) -> int | None:
    """Take away those that are one, and note them as found; the first of which the network did not tell, if any."""
    buttons = {b.get("plain") or b.get("text", ""): [Choice(**c) for c in b["choices"]] for b in stray.buttoned}
    left = list(ids)
    for _ in range(ROUNDS):
        ask, left, row = left, [], 0
        for place, id in enumerate(ask):
            try:
                if await channel.words(link, stray.chat, str(id), buttons) == PLACEHOLDER:
                    if not await strays.nobodys(hub.db, stray, id):
                        # Whoever answers in this chat by now may have put it there.
                        return min((*left, *ask[place:]), key=ids.index)
                    await channel.delete(link, stray.chat, str(id))
                    found.append(id)
                    log.info("a placeholder that was left standing was removed")
                row = 0
            except ChannelError as e:
                log.info("placeholder not looked for: %s", e)
                left.append(id)
                row += 1
                if row == GIVES_UP:
                    return min((*left, *ask[place + 1 :]), key=ids.index)
        if not left:
            return None
    return left[0]


async def _none_behind(hub: Hub, channel: Probes, link: Link, stray: Stray, found: list[int]) -> bool:
    """Look behind all that was said: where nothing was said since, and where its sender was slower than whoever
    answered instead. False where the network did not tell, or something is said there now."""
    ids = await _behind(hub, stray)
    return not ids or (
        await strays.nobodys(hub.db, stray) and await _asked(hub, channel, link, stray, ids, found) is None
    )


async def _behind(hub: Hub, stray: Stray) -> list[int]:
    last = 0 if stray.passed else max(stray.asked, stray.newest)
    ids = [last + n for n in range(1, ABOVE + 1) if last + n not in stray.kept] if last else []
    return await strays.unknown(hub.db, stray.integration, ids, ABOVE)


def _candidates(stray: Stray) -> dict[int, int]:
    """Ids at which it may stand, the nearest first: how far from what was said instead of it each of them is. Pure.

    A placeholder stands right before that, but for what others were told meanwhile: so before the message of ours that
    comes next, and after the one before. Where the answer took long it stands nearer to the question."""
    found: dict[int, int] = {}
    bounds = {id: max([stray.asked, *(other for other in stray.after if other < id)]) for id in stray.after}
    for n in range(stray.reach + 1, FAR + 1):
        for id, bound in bounds.items():
            from_question = [bound + n] if bound == stray.asked > 0 and n <= FAR_FROM_QUESTION else []
            for at in (id - n, *from_question):
                if bound < at < id and at not in stray.kept:
                    found.setdefault(at, n)
        if len(found) >= LOOKED:
            break
    return found
