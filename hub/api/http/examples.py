"""Examples of the documents: one exchange of each operation, as the tests had it (`tests/contract/examples.py`)."""

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson

Json = dict[str, Any]
FILE = Path(__file__).resolve().parents[3] / "templates/examples.json"


@cache
def every() -> Json:
    """By the operation's name: {path, query, sent, body}, what there is of it."""
    found: Json = orjson.loads(FILE.read_bytes())
    return found


def into(described: Json, name: str) -> None:
    """Put an operation's example where OpenAPI has it."""
    one = every().get(name)
    if one is None:
        return
    given = {"path": one.get("path", {}), "query": one.get("query", {})}
    for parameter in described["parameters"]:
        found = given.get(parameter["in"], {}).get(parameter["name"])
        if found is not None:
            parameter["example"] = _typed(parameter["schema"], found)
    sent = described.get("requestBody", {}).get("content", {}).get("application/json")
    if sent is not None and "sent" in one:
        sent["example"] = one["sent"]
    for status, answer in described["responses"].items():
        content = answer.get("content", {}).get("application/json")
        if status.startswith("2") and content is not None and "body" in one:
            content["example"] = one["body"]


def _typed(schema: Json, text: str) -> Any:
    """A word of an address as its schema has it."""
    kinds = {s.get("type") for s in (schema, *schema.get("anyOf", ()))}
    if kinds & {"integer", "number"} and text.replace(".", "", 1).isdigit():
        return int(text) if text.isdigit() else float(text)
    return text == "true" if "boolean" in kinds and text in ("true", "false") else text


def shown(op: Json, method: str, path: str) -> Json | None:
    """The request and the answer as text, for the page. op: as it is described."""
    one = every().get(op["operationId"])
    if one is None:
        return None
    for name, value in one.get("path", {}).items():
        path = path.replace("{" + name + "}", quote(value, safe=":"))
    query = f"?{urlencode(one['query'])}" if one.get("query") else ""
    said = [f"{method} {path}{query}"]
    if op["security"]:
        said.append("Authorization: Bearer " + ("<access_token>" if {"user": []} in op["security"] else "sk-hub-..."))
    if "sent" in one:
        said += ["Content-Type: application/json", "", _text(one["sent"])]
    return {"sent": "\n".join(said), "body": _text(one["body"]) if "body" in one else ""}


def _text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
