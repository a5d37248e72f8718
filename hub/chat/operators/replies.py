"""Prepared replies: kept under shortcuts, and said with the names of who talks to whom."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub import ids
from hub.chat.clients.field_words import shown
from hub.chat.operators import panel
from hub.chat.operators.groups import Seen
from hub.domain import Json
from hub.errors import Conflict, Invalid, NotFound, TooLarge
from hub.language.courtesies import spoken
from hub.store import contact_panel, operator_inbox, replies
from hub.store.db import Call, Db

File = tuple[str, str, bytes]  # name, type, content
TEXT, REPLIES, FILES, BYTES, LANGUAGES = 5000, 500, 5, 5_000_000, 12
VARIABLES = ("contact.name", "contact.phone", "operator.name", "client.name")
# Before the key of a field that the business defines.
FIELD = "contact.fields."
LOOKED = 6  # messages in which the language is looked for
LONGEST = 100  # characters of a name that is put in
_MARK = re.compile(r"\{\{([^{}]*)\}\}")
_FIELD = re.compile(r"contact\.fields\.[a-z][a-z0-9_]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
# What Markdown would take for its own.
_SIGNS = re.compile(r"([\\`*_\[\]<>#|~!])")


@dataclass(frozen=True, slots=True)
class Reply:
    """As it is kept. texts: by language, beside the one for all others."""

    shortcut: str
    text: str
    texts: Mapping[str, str]

    @classmethod
    def of(cls, shortcut: str, text: str, texts: Mapping[str, str] | None = None) -> "Reply":
        """Raise Invalid."""
        name = shortcut.strip().lstrip("/").lower()
        if not name or len(name) > 40 or not name.replace("-", "").replace("_", "").isalnum():
            raise Invalid("shortcut must be 1 to 40 letters, digits, - or _.", field="shortcut")
        given = {language: _text(said, "texts") for language, said in (texts or {}).items() if said.strip()}
        if len(given) > LANGUAGES or any(not _LANGUAGE.fullmatch(language) for language in given):
            raise Invalid(f'texts must have at most {LANGUAGES} languages such as "pt" or "pt-BR".', field="texts")
        return cls(name, _text(text, "text"), given)


def _text(said: str, field: str) -> str:
    if not 0 < len(said.strip()) <= TEXT:
        raise Invalid(f"{field} must have 1 to {TEXT:,} characters.", field=field)
    for mark in _MARK.findall(said):
        name = mark.partition("|")[0].strip()
        if name not in VARIABLES and not _FIELD.fullmatch(name):
            known = ", ".join(f"{{{{{v}}}}}" for v in (*VARIABLES, f"{FIELD}key"))
            raise Invalid(f"{field} has {{{{{mark[:40]}}}}}, which is no variable; there are {known}.", field=field)
    return said.strip()


def filled(text: str, values: Mapping[str, str | None]) -> str:
    """With the names put in; what is put in is words, whatever it looks like. Pure."""
    def one(found: re.Match[str]) -> str:
        name, _, instead = found[1].partition("|")
        longest = panel.TEXT if name.strip().startswith(FIELD) else LONGEST
        value = " ".join(str(values.get(name.strip()) or "").split())[:longest]
        return unmarked(value) if value else instead.strip()

    return _MARK.sub(one, text)


def unmarked(value: str) -> str:
    """Words in which Markdown finds nothing of its own. Pure."""
    return _SIGNS.sub(r"\\\1", value)


def of_fields(values: Mapping[str, Any]) -> dict[str, str]:
    """What the fields of a person hold, by their variables. Pure."""
    return {f"{FIELD}{key}": shown(value) for key, value in values.items() if value is not None}


def chosen(reply: Json, language: str | None) -> str:
    """Its text in a language: that one, one of the same root, else the one for all. Pure."""
    texts: Mapping[str, str] = reply["texts"]
    if language:
        root = language.partition("-")[0].lower()
        for known in (language, root, *sorted(texts)):
            if known in texts and known.partition("-")[0] == root:
                return texts[known]
    return str(reply["text"])


async def offered(
    db: Db, account: UUID, one: Json, operator: str, contact: str | None, words: str
) -> list[Json]:
    """What may be meant by what was typed behind the `/`, as it would be said in a conversation: {id, shortcut, said,
    files}. one: the conversation; contact: what its person is called."""
    language = await _language(db, account, one)
    values = {
        "contact.name": contact, "contact.phone": one["phone"], "operator.name": operator,
        "client.name": one["client_name"],
    }
    found = await replies.find(db, account, words.split()[:5])
    if one["person_id"] and any(FIELD in chosen(r, language) for r in found):
        values |= of_fields(await contact_panel.values(db, account, one["person_id"]))
    return [r | {"said": filled(chosen(r, language), values)} for r in found]


async def _language(db: Db, account: UUID, one: Json) -> str | None:
    """What the person last wrote in, else their network's language."""
    known = str(one["language"]) if one["language"] else None
    for row in await operator_inbox.messages(db, account, one["id"], None, LOOKED):
        text = str(row["content"].get("text") or "") if row["role"] == "user" else ""
        # Words of several languages, or of none that is known, are taken for either.
        if text and (said := spoken(text, "en")) == spoken(text, "pt"):
            return known if known and known.lower().startswith(said) else said
    return known


async def save(db: Db, account: UUID, wanted: Reply, seen: Seen, files: Sequence[File]) -> None:
    """Add a reply with files, or change the one of this shortcut: all of it or nothing. seen: raises when what it is
    given is not what the change was made from. Raise TooLarge, Conflict where there are too many."""
    async with db.transaction() as tx:
        await replies.alone(tx, account)
        old = await replies.named(tx, account, wanted.shortcut)
        seen(old)
        if old is not None:
            await replies.edit(tx, account, old["id"], wanted.shortcut, wanted.text, wanted.texts)
        await _attach(tx, account, old["id"] if old else await _add(tx, account, wanted), files)


async def add(db: Db, account: UUID, wanted: Reply) -> UUID:
    """Raise Conflict where the shortcut is taken."""
    async with db.transaction() as tx:
        await replies.alone(tx, account)
        if await replies.named(tx, account, wanted.shortcut) is not None:
            raise Conflict(f"Another reply is called /{wanted.shortcut}.", field="shortcut")
        return await _add(tx, account, wanted)


async def _add(tx: Call, account: UUID, wanted: Reply) -> UUID:
    if await replies.many(tx, account) >= REPLIES:
        raise Conflict(f"An account has at most {REPLIES} prepared replies.")
    id = ids.uuid7()
    await replies.add(tx, account, id, wanted.shortcut, wanted.text, wanted.texts)
    return id


async def edit(
    db: Db, account: UUID, id: UUID, change: Callable[[Json], Reply], seen: Seen | None = None,
    files: Sequence[File] = (),
) -> None:
    """change: what becomes of what it is now. seen: as above. files: that are attached as well. Raise NotFound,
    TooLarge, Conflict where the shortcut is taken."""
    async with db.transaction() as tx:
        await replies.alone(tx, account)
        old = await replies.lock(tx, account, id)
        if old is None:
            raise NotFound("No such prepared reply.")
        if seen is not None:
            seen(old)
        wanted = change(old)
        other = await replies.named(tx, account, wanted.shortcut)
        if other is not None and other["id"] != id:
            raise Conflict(f"Another reply is called /{wanted.shortcut}.", field="shortcut")
        await replies.edit(tx, account, id, wanted.shortcut, wanted.text, wanted.texts)
        await _attach(tx, account, id, files)


async def remove(db: Db, account: UUID, id: UUID) -> None:
    if not await replies.remove(db, account, id):
        raise NotFound("No such prepared reply.")


async def attach(db: Db, account: UUID, id: UUID, given: Sequence[File]) -> None:
    """Files that go with it. Raise NotFound, TooLarge, Conflict."""
    async with db.transaction() as tx:
        if await replies.lock(tx, account, id) is None:
            raise NotFound("No such prepared reply.")
        await _attach(tx, account, id, given)


async def _attach(tx: Call, account: UUID, id: UUID, given: Sequence[File]) -> None:
    if any(len(raw) > BYTES for _, _, raw in given):
        raise TooLarge(f"A file of a prepared reply has at most {BYTES // 1_000_000} MB.", field="file")
    if given and await replies.attached(tx, account, id) + len(given) > FILES:
        raise Conflict(f"A prepared reply has at most {FILES} files.", field="file")
    for name, mime, raw in given:
        await replies.attach(tx, account, id, ids.uuid7(), name[-200:], mime, raw)


async def file(db: Db, account: UUID, id: UUID, which: UUID) -> Json:
    found = await replies.file(db, account, id, which)
    if found is None:
        raise NotFound("No such file.")
    return found


async def detach(db: Db, account: UUID, id: UUID, which: UUID) -> None:
    if not await replies.detach(db, account, id, which):
        raise NotFound("No such file.")
