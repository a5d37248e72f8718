"""Arguments of a Bot API call: JSON, a form or a query say the same in different ways."""

import json
from collections.abc import Mapping
from typing import Any

from channels.twins.replies import Body, Refused, Reply, Upload

Json = dict[str, Any]


def bad(words: str, status: int = 400, **parameters: Any) -> Refused:
    """A refusal in the Bot API's shape."""
    kinds = {400: "Bad Request", 401: "", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}
    head = kinds.get(status, "")
    body: Json = {"ok": False, "error_code": status}
    body["description"] = f"{head}: {words}" if head else words
    if parameters:
        body["parameters"] = parameters
    return Refused(Reply(status, body))


class Args:
    """Typed access; numbers and objects may come as text."""

    def __init__(self, query: Mapping[str, str], body: Body) -> None:
        if not body.valid and body.raw:
            raise bad("Can't parse JSON object")
        given = body.data if isinstance(body.data, dict) else {}
        self._values: Json = {**query, **given}
        self.files = body.files

    def within(self, values: Json) -> "Args":
        """The same files, other values: an item of an album."""
        found = Args({}, Body(data=values, files=self.files))
        for name in ("message_thread_id", "reply_parameters"):
            if name in self._values:
                found._values.setdefault(name, self._values[name])
        return found

    def text(self, name: str) -> str:
        """A string; numbers become one, as with the real server."""
        value = self._values.get(name)
        if value is None or isinstance(value, dict | list):
            return ""
        return value if isinstance(value, str) else json.dumps(value)

    def flag(self, name: str) -> bool:
        """A boolean."""
        return self.text(name).lower() in ("true", "yes", "1")

    def number(self, name: str) -> int:
        """An integer, 0 when it is none."""
        try:
            return int(self.text(name))
        except ValueError:
            return 0

    def real(self, name: str) -> float:
        """A float; raise a refusal."""
        try:
            return float(self.text(name))
        except ValueError:
            raise bad(f"{name} must be a valid Number") from None

    def structure(self, name: str) -> Any:
        """An object or list, also as JSON text."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad(f"can't parse {name} JSON object") from None

    def file(self, name: str) -> Upload | str | None:
        """An upload (direct or by attach://), a file id or an address."""
        if name in self.files:
            return self.files[name]
        value = self.text(name)
        if value.startswith("attach://"):
            return self.files.get(value.removeprefix("attach://"))
        return value or None


def done(result: Any) -> Reply:
    """Success."""
    return Reply(200, {"ok": True, "result": result})
