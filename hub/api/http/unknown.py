"""Which fields of a body nothing reads: they are named in the answer, never dropped in silence. Pure."""

import types
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from hub.pydantic_base import Part

MOST = 20


def unknown(form: Any, sent: Any) -> list[str]:
    """The places (`a.b.0.c`) of what was sent and is in no form; `form` is a type as a signature has it."""
    found: list[str] = []
    for place in _places(form, sent, ""):
        found.append(place)
        if len(found) == MOST:
            break
    return found


def _places(form: Any, sent: Any, place: str) -> Iterator[str]:
    origin, inner = get_origin(form), get_args(form)
    if origin is Annotated:
        part = next((m for m in inner[1:] if isinstance(m, Part)), None)
        yield from _places(part.whole if part else inner[0], sent, place)
    elif origin in (Union, types.UnionType):
        # Unknown is what no form of it knows.
        tried = [list(_places(one, sent, place)) for one in inner if _fits(one, sent)]
        yield from min(tried, key=len, default=[])
    elif isinstance(sent, list) and inner and _is(origin, Sequence):
        for n, one in enumerate(sent):
            yield from _places(inner[0], one, f"{place}{n}.")
    elif isinstance(sent, dict):
        yield from _fields(form, origin, inner, sent, place)


def _fields(form: Any, origin: Any, inner: tuple[Any, ...], sent: Mapping[str, Any], place: str) -> Iterator[str]:
    if _is(form, BaseModel):
        names, open_ = _fields_of(form)
        for name, value in sent.items():
            if name not in names:
                if not open_:
                    yield f"{place}{name}"
            elif isinstance(value, dict | list):  # nothing else holds a field
                yield from _places(names[name], value, f"{place}{name}.")
    elif len(inner) == 2 and _is(origin, Mapping):
        for name, value in sent.items():
            yield from _places(inner[1], value, f"{place}{name}.")


@lru_cache(maxsize=2000)
def _fields_of(form: type[BaseModel]) -> tuple[Mapping[str, Any], bool]:
    """The forms of a model's fields by all their names, and whether it takes any other."""
    names = {name: _form(field) for own, field in form.model_fields.items() for name in _names(own, field)}
    return names, form.model_config.get("extra") == "allow"


def _form(field: FieldInfo) -> Any:
    part = next((m for m in field.metadata if isinstance(m, Part)), None)
    return part.whole if part else field.annotation


def _names(own: str, field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    also = [a for a in alias.choices if isinstance(a, str)] if isinstance(alias, AliasChoices) else [alias]
    return [own, *(a for a in (field.alias, *also) if isinstance(a, str))]


def _fits(form: Any, sent: Any) -> bool:
    if get_origin(form) is Annotated:
        form = get_args(form)[0]
    origin = get_origin(form) or form
    if isinstance(sent, dict):
        return origin is Any or _is(origin, BaseModel) or _is(origin, Mapping)
    return not isinstance(sent, list) or origin is Any or (_is(origin, Sequence) and origin is not str)


def _is(form: Any, kind: type) -> bool:
    return isinstance(form, type) and issubclass(form, kind)
