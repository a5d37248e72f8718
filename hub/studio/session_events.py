"""What webhooks are told of conversations: received, answered, failed, taken over, handed back, closed, rated."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from hub.errors import HubError
from hub.personal_keys import Unkeyed
from hub.runtime import Hub
from hub.store import webhook_facts
from hub.store.db import Call
from hub.store.webhook_facts import Fact
from hub.studio.events import (
    ANSWER_FAILED,
    CAMPAIGN_COMPLETED,
    CONTACT_JOINED,
    SESSION_ANSWERED,
    SESSION_CLOSED,
    SESSION_HANDED_BACK,
    SESSION_RATED,
    SESSION_RECEIVED,
    SESSION_TAKEN,
    SESSION_UNDELIVERED,
    emit,
)

log = logging.getLogger(__name__)

Json = dict[str, Any]
# Of one account at most so many rounds before the others have their turn.
ACCOUNTS, AT_ONCE, ROUNDS = 100, 200, 10
SHOWN = ("media", "mime", "name", "size", "file_id", "text")


async def tell(hub: Hub) -> int:
    """Make events of what happened, account by account: what fails for one is tried again, the others go on.

    How many facts were told of."""
    told = 0
    for account in await webhook_facts.waiting(hub.db, ACCOUNTS):
        try:
            for _ in range(ROUNDS):
                async with hub.db.transaction() as tx:
                    count = await _tell(tx, account)
                told += count
                if count < AT_ONCE:
                    break
        except HubError as e:
            log.warning("events of account %s wait: %s", account, e)
        except Exception:
            log.exception("events of account %s cannot be told", account)
    return told


async def _tell(tx: Call, account: UUID) -> int:
    facts = await webhook_facts.take(tx, account, AT_ONCE)
    for fact in facts:
        data = _shaped(fact)
        if data is None:
            continue
        try:
            await emit(tx, account, fact.type, data, fact.session_id or UUID(str(fact.object)))
        except Unkeyed as e:
            if not e.lasting:
                raise
            # Nor can what cannot be sealed, as long as that person's key is what it is.
            log.error("a fact of the type %s of account %s is not told: %s", fact.type, account, e)
    return len(facts)


def _shaped(fact: Fact) -> Json | None:
    """None: there is nothing to tell. What cannot be told must not stand before what can."""
    try:
        return SHAPES[fact.type](fact)
    except (KeyError, TypeError, ValueError, AttributeError):
        log.exception("a fact of the type %s cannot be told", fact.type)
        return None


def _session(fact: Fact) -> Json:
    return {
        "session_id": str(fact.session_id), "chat_client_id": str(fact.client_id), "chat_client": fact.client,
        "network": fact.network, "external_user_id": _outer(fact.tag), "contact": _contact(fact),
    }


def _outer(tag: str | None) -> str | None:
    """The name that the business gave; none of the hub's own."""
    return None if tag is None or tag.startswith(("anon:", "zp_")) else tag


def _contact(fact: Fact) -> Json | None:
    if fact.contact is None:
        return None
    return {
        "id": str(fact.contact), "name": fact.contact_name, "phone": fact.phone, "username": fact.username,
    }


def _message(fact: Fact) -> Json | None:
    """A message that was taken back says nothing any more; a step towards an answer is none."""
    if fact.client_id is None or fact.about is None:
        return None
    content = fact.about["content"]
    revoked = bool(content.get("revoked"))
    text = "" if revoked else str(content.get("text") or "")
    files = [] if revoked else [{n: a.get(n) for n in SHOWN} for a in content.get("attachments") or ()]
    if fact.type == SESSION_ANSWERED and not text and not files:
        return None
    return _session(fact) | {
        "message_id": fact.about["id"], "source": fact.about["source"], "text": text, "attachments": files,
        "revoked": revoked, "created_at": fact.about["at"],
    }


def _undelivered(fact: Fact) -> Json | None:
    """One that was sent again meanwhile, or in another form, has not failed yet."""
    if fact.client_id is None or fact.about is None or fact.about["state"] not in ("dead", "unknown"):
        return None
    about = fact.about
    return _session(fact) | {
        "message_id": about["id"], "state": about["state"], "code": about["code"], "error": about["error"],
    }


def _rated(fact: Fact) -> Json | None:
    if fact.client_id is None or fact.about is None:
        return None
    detail = fact.about["detail"]
    said = {"message_id": fact.about["id"], "rating": detail.get("rating"), "comment": detail.get("comment")}
    return _session(fact) | said


def _switched(fact: Fact) -> Json | None:
    return None if fact.client_id is None else _session(fact) | {"operator": fact.handler}


def _plain(fact: Fact) -> Json | None:
    return None if fact.client_id is None else _session(fact)


def _joined(fact: Fact) -> Json | None:
    known = _contact(fact)
    return None if known is None else {"network": fact.network, "contact": known}


def _campaign(fact: Fact) -> Json | None:
    about = fact.about
    if about is None:
        return None
    return {
        "campaign_id": about["id"], "name": about["name"], "chat_client_id": about["client"],
        "network": about["network"], "recipients": about["size"], "results": about["states"],
    }


SHAPES: Mapping[str, Callable[[Fact], Json | None]] = MappingProxyType({
    SESSION_RECEIVED: _message, SESSION_ANSWERED: _message, SESSION_UNDELIVERED: _undelivered, ANSWER_FAILED: _plain,
    SESSION_TAKEN: _switched, SESSION_HANDED_BACK: _plain, SESSION_CLOSED: _plain, SESSION_RATED: _rated,
    CONTACT_JOINED: _joined, CAMPAIGN_COMPLETED: _campaign,
})
