"""Documented shapes: camelCase out, both cases in, and complaints that name the field and the mend."""

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Self, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema

from hub.errors import Invalid

Json = dict[str, Any]
M = TypeVar("M", bound=BaseModel)
SHOWN = 20
SEEN = r"\S"  # what has a character that can be seen
_LEAP = re.compile(r"([Tt ]\d\d:\d\d:)60((?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)?)$")
_PLUS = re.compile(r"([Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (\d\d:?\d\d)$")
# How pydantic marks the form of a value that it tried; no name of a field looks like this.
BODY = "The body"  # where a complaint is about no single field
_FORM = re.compile(r"[A-Z]\w*|.*\[.*|constrained-\w+|str|int|float|bool")

_WORDS = {
    "missing": "is missing; send it",
    "json_invalid": "is not valid JSON",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "uuid_type": "must be a UUID",
    "uuid_parsing": "must be a UUID",
    "none_required": "must be null",
    "blank": "must not be blank",
}
_LIMITS = {
    "greater_than_equal": ("ge", "must be at least {}"),
    "greater_than": ("gt", "must be more than {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "less_than": ("lt", "must be less than {}"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "string_too_long": ("max_length", "must have at most {} characters"),
    "too_short": ("min_length", "must have at least {} items"),
    "too_long": ("max_length", "must have at most {} items"),
    "enum": ("expected", "must be one of {}"),
    "literal_error": ("expected", "must be one of {}"),
}


def _written(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _LEAP.sub(r"\g<1>59\g<2>", _PLUS.sub(r"\g<1>+\g<2>", value))


def _reached(value: datetime) -> datetime:
    try:
        value.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if value.year == 1 else datetime.max.replace(tzinfo=UTC)
    return value


# A moment as RFC 3339 has it. Its minutes may have a sixty-first second: it is read as the last of the minute. A plus
# that a query did not escape comes as a space. What no clock in UTC reaches is the first or the last moment.
Moment = Annotated[datetime, BeforeValidator(_written), AfterValidator(_reached)]


class _Form(BaseModel):
    """What is optional may be null: where null has no meaning of its own it is the default."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, given: Any) -> Any:
        if not isinstance(given, dict) or None not in given.values():
            return given
        dropped = {n for own, f in cls.model_fields.items() if not _nullable(f) for n in (own, f.alias) if n}
        return {k: v for k, v in given.items() if v is not None or k not in dropped}


def _nullable(field: FieldInfo) -> bool:
    return field.is_required() or _takes_none(field.annotation)


def _takes_none(form: Any) -> bool:
    inner = get_args(form)
    if get_origin(form) is Annotated:
        return _takes_none(inner[0])
    return form is None or form is type(None) or form is Any or (
        get_origin(form) in (Union, types.UnionType) and any(_takes_none(one) for one in inner)
    )


class Camel(_Form):
    """camelCase in JSON; snake_case is accepted too; unknown fields are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", defer_build=True)


class Snake(_Form):
    """snake_case in JSON; unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", defer_build=True)


class Defaults(Camel):
    """A shape whose fields all fall back to their default when null is sent."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_default(cls, given: Any) -> Any:
        return {k: v for k, v in given.items() if v is not None} if isinstance(given, dict) else given

    def stored(self) -> Json:
        """The documented names with plain JSON values."""
        return self.model_dump(mode="json", by_alias=True)


@dataclass(frozen=True)
class Part:
    """Mark of an object of which only what changes is sent: described with the fields of the whole, none required."""

    whole: type[BaseModel]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        schema = handler.resolve_ref_schema(handler(self.whole.__pydantic_core_schema__))
        return {name: value for name, value in schema.items() if name not in ("required", "title", "description")}


class Message(BaseModel):
    """A sentence where the documented answer is only a sentence."""

    message: str
    data: None = None

    @classmethod
    def of(cls, *sentences: str | None) -> Self:
        return cls(message=" ".join(s for s in sentences if s))


class Enveloped(Camel):
    """A documented answer that brings its own envelope, so that none is put around it."""


def camel(given: Mapping[str, Any], model: type[BaseModel]) -> Json:
    """The same mapping with top level snake_case names in their documented spelling."""
    names = {name: field.alias or name for name, field in model.model_fields.items()}
    return {names.get(k, k): v for k, v in given.items()}


def merged(model: type[M], stored: Mapping[str, Any], given: Mapping[str, Any], place: str) -> M:
    """Shallow merge: what is given replaces what is stored, whole. Raise Invalid naming the field."""
    try:
        return model.model_validate({**stored, **camel(given, model)})
    except ValidationError as e:
        raise invalid(e, place) from None


def invalid(error: ValidationError, place: str = "") -> Invalid:
    """The first complaint as one sentence, all of them as details; never what was sent."""
    told = error.errors(include_url=False, include_input=False)
    # A value with several forms is told about once a form: the deepest is the one that was meant, else the one it has.
    same = (e for e in told if e["loc"][:1] == told[0]["loc"][:1])
    meant = max(same, key=lambda e: (len(e["loc"]), not e["type"].endswith("_type")))
    told.insert(0, told.pop(told.index(meant)))
    found = [_complaint(one, place) for one in told[:SHOWN]]
    first = found[0]
    field = first["field"] if first["field"] != BODY else None
    return Invalid(f"{first['field']} {first['message']}.", field=field, details=found)


def _complaint(error: Any, place: str) -> dict[str, str]:
    where = ".".join(str(p) for p in (place, *error["loc"]) if p != "" and not _FORM.fullmatch(str(p))) or BODY
    kind, context = error["type"], error.get("ctx") or {}
    if context.get("pattern") == SEEN:
        kind = "blank"
    if kind in _WORDS:
        words = _WORDS[kind]
    elif kind in _LIMITS:
        key, pattern = _LIMITS[kind]
        words = pattern.format(context.get(key))
    elif kind in ("value_error", "assertion_error"):
        words = str(context.get("error", error["msg"])).removeprefix(where).strip()
    else:
        words = "is not valid: " + error["msg"][0].lower() + error["msg"][1:]
    return {"field": where, "message": words.rstrip(".")}
