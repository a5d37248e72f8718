"""Examples of the documents: for each operation one exchange that the tests had with a hub.

`python -m tests.contract.examples --write FOLDER` makes templates/examples.json of what `tests.contract.recorder` wrote
down there; `test_examples.py` holds it against the operations of today.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import orjson
from pydantic import ValidationError

from hub.api.app import ROUTES
from hub.api.http import openapi
from hub.api.http.docs import FOLDER
from hub.api.http.operation import Operation, Route, operation_of

Json = dict[str, Any]
FILE = FOLDER / "examples.json"
LONGEST, ITEMS, MOST = 240, 2, 4000
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"20\d\d-\d\d-\d\d([T ])\d\d:\d\d:\d\d(\.\d+)?")
_KEY = re.compile(r"(sk-hub-|pk-hub-|whsec[_-]|wc_|ck_)[A-Za-z0-9_-]{8,}")
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HOST = re.compile(r"(https?://)(?:127\.0\.0\.1|localhost):\d+")


def patterns() -> list[tuple[Route, Operation, re.Pattern[str]]]:
    """Paths without variables first: they mean themselves."""
    found = []
    for route in ROUTES:
        plain = re.sub(r"\{(\w+):[^/]*\}", r"{\1}", route.path)
        path = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(plain))
        found.append((route, operation_of(route), re.compile(path)))
    return sorted(found, key=lambda one: one[0].path.count("{"))


def told(value: Any, known: dict[str, str]) -> Any:
    """What is written down: made-up ids, one day, no key, short lists."""
    if isinstance(value, dict):
        return {_text(k, known): told(v, known) for k, v in value.items()}
    if isinstance(value, list):
        return [told(v, known) for v in value[:ITEMS]]
    return _text(value, known) if isinstance(value, str) else value


def _text(text: str, known: dict[str, str]) -> str:
    def id(found: re.Match[str]) -> str:
        return known.setdefault(found[0], f"0199f0aa-0000-7000-8000-{len(known) + 1:012x}")

    text = _TOKEN.sub("eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", _KEY.sub(r"\1Example0123456789", _ID.sub(id, text)))
    text = text.replace("127.0.0.1", "hub.example") if "://" not in text else text
    text = _HOST.sub(r"\1hub.example", _TIME.sub(r"2026-01-15\g<1>09:30:00", text))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def exchanges(folder: Path) -> Iterable[Json]:
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            yield orjson.loads(line)


def chosen(folder: Path) -> Json:
    """By operation: {path, query, sent, body}; of several the richest one that is not long."""
    known, best = patterns(), dict[str, tuple[int, Json]]()
    document: Json = orjson.loads(orjson.dumps(openapi.document(ROUTES, "")))
    described = {op["operationId"]: op for methods in document["paths"].values() for op in methods.values()}
    for one in exchanges(folder):
        for route, op, pattern in known:
            match = pattern.fullmatch(one["path"]) if route.method == one["method"] else None
            if match is None:
                continue
            if one["status"] == op.status:
                made = _made(one, match.groupdict())
                score = _score(op, made)
                better = op.name not in best or score > best[op.name][0]
                if better and not wrong(document, described[op.name], op, made):
                    best[op.name] = score, made
            break
    return {name: best[name][1] for name in sorted(best)}


def wrong(document: Json, described: Json, op: Operation, made: Json) -> list[str]:
    """Where an example is not as its operation is described; an answer in an envelope is none of it."""
    if op.body is not None and "sent" in made:
        try:
            op.body.validate_python(made["sent"])
        except ValidationError as e:
            return [str(e)]
    content = described["responses"][str(op.status)].get("content", {}).get("application/json")
    if content is None or "body" not in made:
        return []
    whole = jsonschema.Draft202012Validator({**content["schema"], "components": document["components"]})
    return [f"{list(e.path)}: {e.message[:200]}" for e in whole.iter_errors(made["body"])]


def _made(one: Json, variables: dict[str, str]) -> Json:
    ids: dict[str, str] = {}
    query = {k: v for k, v in one["query"].items() if k not in ("api-key", "nonsense")}
    found = {"path": variables, "query": query, "sent": one["sent"], "body": one["body"]}
    return {k: told(v, ids) for k, v in found.items() if v not in ({}, None)}


def _score(op: Operation, made: Json) -> int:
    size = len(orjson.dumps(made))
    if size > MOST:
        return -size
    whole = 2000 * ("sent" in made or op.body is None) + 2000 * ("body" in made)
    return whole + min(size, 1500) - 400 * len(made.get("query", {}))


if __name__ == "__main__":
    found = chosen(Path(sys.argv[2]))
    FILE.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    missing = sorted({operation_of(r).name for r in ROUTES} - found.keys())
    sys.stdout.write(f"{len(found)} examples, without one: {', '.join(missing) or 'none'}\n")
