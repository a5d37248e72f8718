"""What the audit log's ids stand for: names as they are now, and the pages of things that are still there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from hub.chat.clients.people_names import person
from hub.domain import Json
from hub.store import audit
from hub.store.db import Call
from hub.translations import told

# Pages by kinds of things; `of` is that within which a thing stands.
PAGES: Mapping[str, str] = {
    "bot": "/console/bots/{id}", "channel": "/console/channels/{id}", "network": "/console/channels/{of}",
    "knowledge": "/console/knowledge/{id}", "document": "/console/knowledge/{of}", "website": "/console/knowledge/{of}",
    "campaign": "/console/campaigns/{id}", "schedule": "/console/schedules/{id}", "key": "/console/keys/{id}",
    "team": "/console/team", "webhook": "/console/webhooks/{id}", "group": "/console/settings/inbox",
    "label": "/console/settings/inbox", "reply": "/console/replies", "field": "/console/settings/contacts",
    "delivery": "/console/deliveries/{id}", "account": "/console/settings", "said later": "/console/inbox/{of}",
    "note": "/console/inbox/{of}", "sample": "/console/channels/{of}", "embedder": "/console/knowledge/embedder",
}
# What has no name is called by its kind.
NAMELESS: Mapping[str, str] = {
    "schedule": told("Schedule"), "delivery": told("Delivery"), "said later": told("Message for later"),
    "note": told("Note"), "note on a person": told("Note"), "sample": told("Sample"), "skill": told("Skill"),
    "memory": told("Memory"), "run": told("Workflow"), "answer": told("Stored response"), "picture": told("Picture"),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """name: what it is called. page: where it is seen, "" where nowhere. gone: whether it is there no more."""

    name: str
    page: str = ""
    gone: bool = False


GONE = Thing(told("deleted"), gone=True)


async def found(db: Call, account: UUID, texts: Iterable[str | None]) -> dict[str, Thing]:
    """The things of the account behind these ids; of what is no id nothing."""
    ids = {text: id for text in texts if text and (id := _id(text)) is not None}
    if not ids:
        return {}
    wanted = set(ids.values())
    there = {row["id"]: _named(row) for row in await audit.named(db, account, wanted)}
    there |= {row["id"]: _person(row) for row in await audit.people(db, account, wanted)}
    return {text: there.get(id, GONE) for text, id in ids.items()}


def _named(row: Json) -> Thing:
    name = row["name"] or NAMELESS.get(row["kind"]) or told("without a name")
    return Thing(name, PAGES.get(row["kind"], "").format(id=row["id"], of=row["of"]))


def _person(row: Json) -> Thing:
    return Thing(person(row), f"/console/inbox/{row['session_id']}" if row["session_id"] else "")


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
