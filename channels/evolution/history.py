"""What an Evolution server remembers of a chat: whether a message of ours is there."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from channels.evolution.content import read, unwrap
from channels.evolution.who import key_of
from channels.loose import moment, obj, objs, same_words, text
from channels.outbound import Outbound, Sought

Json = dict[str, Any]
# Clocks differ; and a server whose store is switched off remembers nothing new.
SKEW, LIVING = timedelta(minutes=2), timedelta(days=1)


def listed(answer: Any) -> list[Json]:
    """The records of an answer of chat/findMessages, newest first."""
    page = obj(obj(answer).get("messages"))
    return objs(page.get("records") if page else answer)


def reaches(records: Sequence[Json], since: datetime) -> bool:
    """Whether they go back as far as the message that is looked for can be."""
    return any(at <= since - SKEW for r in records if (at := moment(r.get("messageTimestamp"))))


def found(answer: Any, out: Outbound, since: datetime, most: int) -> Sought:
    """Read an answer, or the records of several pages of it, which could have been so many."""
    records = listed(answer)
    newest = max((at for r in records if (at := moment(r.get("messageTimestamp")))), default=None)
    ids = dict.fromkeys(i for r in reversed(records) if (i := _ours(r, out, since)) is not None)
    living = newest is not None and newest >= since - LIVING
    return Sought(living and (len(records) < most or reaches(records, since)), tuple(ids))


def _ours(record: Json, out: Outbound, since: datetime) -> str | None:
    """The id of a message that says what the part says."""
    key, at = key_of(record), moment(record.get("messageTimestamp"))
    if key.get("fromMe") is not True or at is None or at < since - SKEW:
        return None
    said = read(unwrap(obj(record.get("message"))), None)
    if bool(said.attachments) is not (out.file is not None):
        return None
    words = (out.text, out.plain) if out.file is None else (out.text, out.plain, "")
    return text(key.get("id")) if any(same_words(said.text, w) for w in words) else None
