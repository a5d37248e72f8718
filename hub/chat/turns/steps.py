"""A turn's tool calls are done once, even when the turn is run again."""

import hashlib
from collections import Counter

import orjson

from hub.domain import Json
from hub.engine.ask import Lost
from hub.store import tool_steps
from hub.store.db import Call
from hub.store.turns import Claim
from hub.tools.base import Result

UNKNOWN = (
    "It is not known whether this call was carried out: the hub was interrupted while it ran. Do not call it again; "
    "tell the user that it may or may not have been done."
)


class TurnSteps:
    """Steps are named by what was called with which arguments and how many times before in this turn, so
    that a model which takes another way the second time still finds what was done."""

    def __init__(self, db: Call, claimed: Claim) -> None:
        self._db = db
        self._session = claimed.session_id
        self._epoch = claimed.epoch
        self._since = int(claimed.session["done_seq"])
        self._seen: Counter[str] = Counter()

    async def begin(self, name: str, arguments: Json) -> tuple[str, Result | None]:
        """See hub.engine.ask.Steps. Raise Lost when the turn belongs to somebody else by now."""
        digest = hashlib.sha256(orjson.dumps([name, arguments], option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
        self._seen[digest] += 1
        key = f"{digest}:{self._seen[digest]}"
        found = await tool_steps.begin(self._db, self._session, self._epoch, self._since, key, name)
        if found is None:
            raise Lost
        step = f"{self._session}:{self._since}:{key}"
        if found["state"] == "new":
            return step, None
        return step, _result(found["result"]) if found["state"] == "done" else Result(UNKNOWN)

    async def end(self, step: str, result: Result) -> None:
        key = step.split(":", 2)[2]
        kept = {"text": result.text, "files": list(result.files), "billed": list(result.billed)}
        if result.choices:
            kept["choices"] = list(result.choices)
        if not await tool_steps.end(self._db, self._session, self._epoch, self._since, key, kept):
            raise Lost


def _result(stored: Json | None) -> Result:
    found = stored or {}
    files, billed = tuple(found.get("files") or ()), tuple(found.get("billed") or ())
    choices = tuple(found.get("choices") or ())
    return Result(str(found.get("text") or ""), files=files, billed=billed, choices=choices)
