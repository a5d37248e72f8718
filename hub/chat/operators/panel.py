"""The panel of a person: fields that the business defines, notes, consent, where they came from."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from hub import ids
from hub.errors import Conflict, Invalid, NotFound
from hub.store import contact_panel
from hub.store.db import Call, Db
from hub.translations import typed

Json = dict[str, Any]
TYPES = ("text", "number", "date", "choice", "yes_no")
FIELDS, CHOICES, TEXT, NOTE, NOTES, LAST = 50, 50, 500, 5000, 500, 1000
# Notes that stand beside a conversation.
BESIDE = 100
NOBODY = "There is no such contact."
YES, NO = ("true", "yes", "on"), ("false", "no", "off")
WANTED: Mapping[str, str] = {
    "text": f"text of at most {TEXT} characters", "number": "a number", "date": 'a date such as "2026-01-31"',
    "choice": "one of its choices", "yes_no": "true or false",
}
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_OTHER = re.compile(r"[^a-z0-9]+")


def key_of(name: str) -> str:
    """A key for a field that is made by its name alone. Pure."""
    made = _OTHER.sub("_", name.lower()).strip("_")[:40]
    return made if _KEY.fullmatch(made) else f"field_{made}"[:40].rstrip("_")


@dataclass(frozen=True, slots=True)
class Field:
    """As a business wants it. place: where it stands among the others; bot: whether the bot is told."""

    key: str
    name: str
    type: str
    choices: tuple[str, ...] = ()
    place: int = 0
    bot: bool = False

    @classmethod
    def of(
        cls, key: str, name: str, kind: str, choices: Sequence[str] = (), place: int = 0, bot: bool = False
    ) -> "Field":
        """Raise Invalid."""
        called = " ".join(name.split())
        if not 0 < len(called) <= 60:
            raise Invalid("name must have 1 to 60 characters.", field="name")
        if not _KEY.fullmatch(key):
            raise Invalid("key must be a small letter, then at most 39 small letters, digits or _.", field="key")
        if kind not in TYPES:
            raise Invalid(f"type must be one of {', '.join(TYPES)}.", field="type")
        offered = tuple(dict.fromkeys(" ".join(c.split()) for c in choices if c.strip()))
        if (kind == "choice") != bool(offered) or len(offered) > CHOICES or any(len(c) > 100 for c in offered):
            raise Invalid(
                f"choices must be 1 to {CHOICES} texts of at most 100 characters for the type choice, and none for"
                " others.", field="choices",
            )
        if not 0 <= place <= LAST:
            raise Invalid(f"place must be a number from 0 to {LAST}.", field="place")
        return cls(key, called, kind, offered, place, bot)


def value_of(field: Json, given: Any) -> Any:
    """A value as it is kept; None for none. Raise Invalid. Pure."""
    if given is None or (isinstance(given, str) and not given.strip()):
        return None
    found = _READ[field["type"]](given, field)
    if found is None:
        raise Invalid(f"{field['key']} must be {WANTED[field['type']]}.", field=field["key"])
    return found


def _text(given: Any, field: Json) -> str | None:
    # Browsers send the lines of a form as CRLF.
    text = given.replace("\r\n", "\n").strip() if isinstance(given, str) else None
    return text if text is not None and len(text) <= TEXT else None


def _number(given: Any, field: Json) -> float | int | None:
    if isinstance(given, bool) or not isinstance(given, str | int | float) or len(str(given)) > 40 or "_" in str(given):
        return None
    text = str(given).strip()
    try:
        found = float(typed(text) if isinstance(given, str) else text)
    except ValueError:
        return None
    if not math.isfinite(found):
        return None
    return int(found) if found.is_integer() and abs(found) < 1e15 else found


def _date(given: Any, field: Json) -> str | None:
    try:
        return date.fromisoformat(given.strip()).isoformat() if isinstance(given, str) else None
    except ValueError:
        return None


def _choice(given: Any, field: Json) -> str | None:
    return given if isinstance(given, str) and given in field["choices"] else None


def _yes_no(given: Any, field: Json) -> bool | None:
    if isinstance(given, bool):
        return given
    said = given.strip().lower() if isinstance(given, str) else ""
    return True if said in YES else False if said in NO else None


_READ: Mapping[str, Callable[[Any, Json], Any]] = {
    "text": _text, "number": _number, "date": _date, "choice": _choice, "yes_no": _yes_no,
}


async def add_field(db: Db, account: UUID, wanted: Field) -> UUID:
    """Raise Conflict where the key is taken."""
    id = ids.uuid7()
    async with db.transaction() as tx:
        await contact_panel.alone(tx, account)
        if len(await contact_panel.fields(tx, account)) >= FIELDS:
            raise Conflict(f"An account has at most {FIELDS} fields.")
        if not await contact_panel.add_field(tx, account, id, asdict(wanted)):
            raise Conflict(f"There is a field {wanted.key} already.", field="key")
    return id


async def edit_field(
    db: Db, account: UUID, id: UUID, given: Json, seen: Callable[[Json], None] | None = None
) -> None:
    """given: name, choices, place, bot; key and type stay, for values are kept by them. seen: raises when what it is
    given is not what the change was made from. Raise NotFound, Invalid."""
    async with db.transaction() as tx:
        now = await contact_panel.lock_field(tx, account, id)
        if now is None:
            raise NotFound("No such field.")
        if seen is not None:
            seen(now)
        new = now | given
        wanted = Field.of(now["key"], new["name"], now["type"], new["choices"], new["place"], new["bot"])
        await contact_panel.edit_field(tx, account, id, asdict(wanted))


async def remove_field(db: Db, account: UUID, id: UUID) -> None:
    if not await contact_panel.remove_field(db, account, id):
        raise NotFound("No such field.")


async def values(db: Call, account: UUID, person: UUID) -> Json:
    """By the fields' keys; what is empty is None. Raise NotFound."""
    if not await contact_panel.known(db, account, person):
        raise NotFound(NOBODY)
    kept = await contact_panel.values(db, account, person)
    return {f["key"]: kept.get(f["key"]) for f in await contact_panel.fields(db, account)}


async def set_values(
    db: Db, account: UUID, person: UUID, given: Mapping[str, Any], seen: Callable[[Json], None] | None = None
) -> None:
    """Those that are given, all or none; None takes one away. seen: as above. Raise NotFound, Invalid."""
    async with db.transaction() as tx:
        await contact_panel.alone(tx, account)
        now = await values(tx, account, person)
        if seen is not None:
            seen(now)
        known = {f["key"]: f for f in await contact_panel.fields(tx, account)}
        for key, value in given.items():
            if key not in known:
                raise Invalid(f"{key[:60]} is no field of this account.", field=key[:60])
            if _same(value, now[key]):
                continue  # also what is none of the choices any more
            new = value_of(known[key], value)
            if new != now[key]:
                await contact_panel.set_value(tx, account, person, known[key]["id"], new)


def _same(given: Any, now: Any) -> bool:
    return type(given) is type(now) and given == now


async def note(db: Db, account: UUID, person: UUID, operator: UUID | None, author: str, text: str) -> UUID:
    """About the person, whichever conversation it is. Raise NotFound, Invalid, Conflict."""
    if not 0 < len(text.strip()) <= NOTE:
        raise Invalid(f"text must have 1 to {NOTE:,} characters.", field="text")
    if not await contact_panel.known(db, account, person):
        raise NotFound(NOBODY)
    id = ids.uuid7()
    if not await contact_panel.add_note(db, account, person, id, operator, author, text.strip(), NOTES):
        raise Conflict(f"There are {NOTES} notes on this contact already; delete one first.")
    return id


async def remove_note(db: Db, account: UUID, person: UUID, id: UUID) -> None:
    if not await contact_panel.remove_note(db, account, person, id):
        raise NotFound("No such note.")


async def blank(db: Call, account: UUID) -> Json:
    """The same of somebody of whom nothing is kept yet."""
    fields = [f | {"value": None} for f in await contact_panel.fields(db, account)]
    return {"fields": fields, "notes": [], "more": 0, "consents": [], "origin": None}


async def panel(db: Call, account: UUID, person: UUID) -> Json:
    """All of it but the card. more: older notes than those."""
    kept = await contact_panel.values(db, account, person)
    notes = await contact_panel.notes(db, account, person, BESIDE)
    return {
        "fields": [f | {"value": kept.get(f["key"])} for f in await contact_panel.fields(db, account)],
        "notes": notes,
        "more": max(0, await contact_panel.note_count(db, account, person) - BESIDE) if len(notes) == BESIDE else 0,
        "consents": await contact_panel.consents(db, account, person),
        "origin": await contact_panel.origin(db, account, person),
    }
