"""A tool as a command: what runs inside the sandbox under the name of each moved tool.

It knows only the standard library, because it is copied into the sandbox and run there by whatever
Python there is. The options are the properties of the tool's JSON Schema.
"""

import argparse
import json
import os
import socket
import sys
from typing import Any

OURS = ("help", "json-arguments")  # options that are not the tool's
TOOLS, SOCKET = "/opt/hub/tools.json", "/run/hub/s"


def main(name: str, given: list[str]) -> int:
    """Read the options, let the hub run the tool, print what it says."""
    with open(TOOLS, encoding="utf-8") as file:
        tool = json.load(file)[name]
    properties = _properties(tool)
    read = _parser(name, tool, properties).parse_args(given)
    try:
        arguments = _arguments(read, properties)
    except ValueError as e:
        sys.stderr.write(f"{name}: {e}\n")
        return 2
    answer = _asked({"name": name, "arguments": arguments})
    (sys.stdout if answer["ok"] else sys.stderr).write(answer["text"].rstrip("\n") + "\n")
    return 0 if answer["ok"] else 1


def _properties(tool: Any) -> Any:
    found = tool["schema"].get("properties")
    return {k: v if isinstance(v, dict) else {} for k, v in found.items()} if isinstance(found, dict) else {}


def _parser(name: str, tool: Any, properties: Any) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=name, description=tool["description"].replace("%(prog", "% (prog"), allow_abbrev=False,
        conflict_handler="resolve", formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    needed = tool["schema"].get("required") or []
    for place, (key, schema) in enumerate(properties.items()):
        words = ["(required)"] if key in needed else []
        words += [str(schema["description"])] if schema.get("description") else []
        words += ["One of: " + ", ".join(json.dumps(v) for v in schema["enum"])] if schema.get("enum") else []
        kind = _kind(schema)
        if kind == "array":
            words.append("Give it once for each item.")
        option = "arg-" + key if key in OURS else key
        names = ["--" + option] + (["--" + option.replace("_", "-")] if "_" in option else [])
        if kind == "boolean":
            parser.add_argument(
                *names, dest=f"o{place}", nargs="?", const="true", help=_text(" ".join(words)), metavar="true|false"
            )
        else:
            repeated: Any = {"action": "append"} if kind == "array" else {}
            parser.add_argument(
                *names, dest=f"o{place}", help=_text(" ".join(words)), metavar=_shown(kind, schema), **repeated
            )
    parser.add_argument(
        "--json-arguments", dest="whole", metavar="JSON",
        help="All arguments as one JSON object; - reads it from the input.",
    )
    return parser


def _text(text: str) -> str:
    # In the words of an option argparse reads % as its own.
    return text.replace("%", "%%")


def _kind(schema: Any) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), None)
    return kind if isinstance(kind, str) else "any"


def _shown(kind: str, schema: Any) -> str:
    if kind == "array":
        kind = _kind(schema.get("items") or {}) if isinstance(schema.get("items"), dict) else "any"
    return {"string": "TEXT", "integer": "NUMBER", "number": "NUMBER"}.get(kind, "JSON")


def _arguments(read: Any, properties: Any) -> Any:
    found: Any = {}
    if read.whole is not None:
        found = json.loads(sys.stdin.read() if read.whole == "-" else read.whole)
        if not isinstance(found, dict):
            raise ValueError("--json-arguments must be a JSON object")
    for place, (key, schema) in enumerate(properties.items()):
        value = getattr(read, f"o{place}")
        if value is None:
            continue
        if _kind(schema) == "array":
            items = schema.get("items") if isinstance(schema.get("items"), dict) else {}
            found[key] = [_value(one, items, key) for one in value]
        else:
            found[key] = _value(value, schema, key)
    return found


def _value(text: str, schema: Any, key: str) -> Any:
    kind = _kind(schema)
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        if kind == "any":
            return text
        raise ValueError(f"--{key} must be {kind}, written as JSON") from None


def _asked(question: Any) -> Any:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.connect(SOCKET)
        door.sendall(json.dumps(question).encode() + b"\n")
        door.shutdown(socket.SHUT_WR)
        parts = []
        while True:
            part = door.recv(65536)
            if not part:
                break
            parts.append(part)
    if not parts:
        return {"ok": False, "text": "The hub did not answer."}
    return json.loads(b"".join(parts).decode())


if __name__ == "__main__":
    sys.exit(main(os.path.basename(sys.argv[0]), sys.argv[1:]))
