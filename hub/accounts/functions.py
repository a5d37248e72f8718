"""Protocol functions: tools of a customer that the hub calls over HTTP, as they are declared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field

from hub.accounts.value_types import RESERVED_NAMES, Headers, address, identifier
from hub.errors import Invalid
from hub.later import later
from hub.pydantic_base import Camel, Json

if TYPE_CHECKING:
    import jsonschema
else:
    jsonschema = later("jsonschema")

INTERNAL = "aivax://"
QUERY = "query-collection"
HELP = "aivax://query-collection?collection-id=<uuid>&top=5&min=0.4[&refs]"
NOTHING: Json = {"type": "object", "properties": {}, "additionalProperties": False}
ANYTHING: Json = {"type": "object", "properties": {}}
NAMED = "An identifier of JavaScript of 2 to 64 letters, digits and _; unique among all tools."
LARGEST, DEEPEST = 100_000, 30
KINDS = ("object", "array", "string", "number", "integer", "boolean", "null")
# Any of these says that an object is a schema; an example of arguments may have them as names only by chance.
MARKS = ("$schema", "$ref", "$defs", "properties", "required", "additionalProperties", "anyOf", "oneOf", "allOf")


@dataclass(frozen=True, slots=True)
class CollectionQuery:
    """The search that a function with an `aivax://query-collection` address stands for."""

    collection: UUID
    top: int
    least: float
    references: bool


def collection_query(url: str) -> CollectionQuery:
    """Raise ValueError saying what is wrong with an address of the scheme `aivax`."""
    parts = urlsplit(url)
    if parts.netloc != QUERY or parts.path.strip("/") or parts.fragment:
        raise ValueError(f"must be {HELP}")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = set(given) - {"collection-id", "top", "min", "refs"}
    if unknown:
        raise ValueError(f"has '{min(unknown)[:40]}', which is not known here; it must be {HELP}")
    try:
        collection = UUID(given.get("collection-id", ""))
    except ValueError:
        raise ValueError("must name a collection by its id in collection-id") from None
    top, least = _number(given, "top", "5", 1, 100), _number(given, "min", "0.4", 0, 1)
    if top != int(top):
        raise ValueError("must have a whole number in top")
    return CollectionQuery(collection, int(top), least, given.get("refs", "false").lower() not in ("false", "0"))


def _number(given: dict[str, str], name: str, default: str, low: float, high: float) -> float:
    try:
        value = float(given.get(name) or default)
    except ValueError:
        value = -1.0
    if not low <= value <= high:
        raise ValueError(f"must have a number from {low} to {high} in {name}")
    return value


def _callback(value: str) -> str:
    if value.startswith(INTERNAL):
        collection_query(value)
        return value
    return address(value)


class ProtocolFunction(Camel):
    """A tool that the hub calls over HTTP, or a search in a collection (`aivax://query-collection`)."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description=NAMED)]
    description: Annotated[str, Field(min_length=1, max_length=10_000)]
    headers: Headers = {}
    callback_url: Annotated[str, Field(max_length=2000), AfterValidator(_callback)]
    content_format: Annotated[Any, Field(description="Schema or example of the arguments; null: none.")] = None

    @property
    def query(self) -> CollectionQuery | None:
        return collection_query(self.callback_url) if self.callback_url.startswith(INTERNAL) else None


def check(functions: Sequence[ProtocolFunction], taken: Mapping[str, str], place: str) -> None:
    """Look at names and schemas before functions are stored or used. `taken`: names that are not
    free, and what has them. Raise Invalid naming the field below `place`."""
    seen = dict(taken) | dict.fromkeys(RESERVED_NAMES, "a tool of the hub")
    for n, one in enumerate(functions):
        _try(f"{place}.{n}.name", identifier, one.name)
        if one.name in seen:
            raise Invalid(
                f"{place}.{n}.name is '{one.name}', like {seen[one.name]}; rename one.", field=f"{place}.{n}.name"
            )
        seen[one.name] = "another function"
        _try(f"{place}.{n}.contentFormat", schema_of, one.content_format)


def check_callers(tools: Sequence[Any], place: str) -> None:
    """Look at tools that the caller runs, in OpenAI's form. Raise Invalid naming the one below `place`."""
    for n, one in enumerate(tools):
        _try(f"{place}.{n}", _callers, one)


def _callers(tool: Any) -> None:
    if not isinstance(tool, dict) or not tool or not isinstance(tool.get("type", ""), str):
        raise ValueError('must be a tool as OpenAI has them: {"type": "function", "function": {"name": ...}}')
    if tool.get("type") != "function" and "function" not in tool:
        return  # one that the provider has
    function = tool.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"].strip():
        raise ValueError("is a function without a name; send it as function.name")


def _try(field: str, rule: Callable[[Any], object], value: Any) -> None:
    try:
        rule(value)
    except ValueError as e:
        raise Invalid(f"{field} {e}.", field=field) from None


def schema_of(content: Any) -> Json:
    """The JSON Schema of a function's arguments, from a schema, an example or null. Raise ValueError."""
    if content is None:
        return NOTHING
    if not isinstance(content, dict):
        raise ValueError("must be a JSON Schema of an object, an example of one, or null")
    if not content:
        return ANYTHING
    if len(str(content)) > LARGEST or _depth(content) > DEEPEST:
        raise ValueError("is too large or too deep for a schema")
    return _schema(content) if _is_schema(content) else _shape(content)


def _schema(content: Json) -> Json:
    if content.get("type", "object") != "object":
        raise ValueError("must describe an object: its type must be 'object'")
    try:
        jsonschema.validators.validator_for(content, jsonschema.Draft202012Validator).check_schema(content)
    except jsonschema.SchemaError as e:
        place = ".".join(str(p) for p in e.absolute_path)
        raise ValueError(f"is not a valid JSON Schema{f' at {place[:100]}' if place else ''}") from None
    return {"type": "object", **content}


def _is_schema(content: Json) -> bool:
    kind = content.get("type")
    typed = isinstance(kind, str) and kind in KINDS and len(content) == 1
    return typed or kind == "object" or any(_marks(content, name) for name in MARKS)


def _marks(content: Json, name: str) -> bool:
    value = content.get(name)
    if name in ("properties", "$defs"):
        return isinstance(value, dict) and all(isinstance(v, dict | bool) for v in value.values())
    if name in ("required", "anyOf", "oneOf", "allOf"):
        return isinstance(value, list) and content.get("type", "object") == "object"
    if name == "additionalProperties":
        return isinstance(value, dict | bool) and content.get("type", "object") == "object"
    return isinstance(value, str)


def _shape(example: Any) -> Json:
    """The schema of values like this one; every name of an example is wanted."""
    if isinstance(example, dict):
        return {"type": "object", "properties": {k: _shape(v) for k, v in example.items()}, "required": list(example)}
    if isinstance(example, list):
        return {"type": "array", "items": _shape(example[0])} if example else {"type": "array"}
    if isinstance(example, bool):
        return {"type": "boolean"}
    if isinstance(example, int | float):
        # 3 is an example of 3.5 as well.
        return {"type": "number"}
    if isinstance(example, str):
        return {"type": "string", **({"description": f"For example: {example[:200]}"} if example else {})}
    return {}


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level and deepest <= DEEPEST:
        deepest += 1
        inner = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [one for values in inner for one in values]
    return deepest
