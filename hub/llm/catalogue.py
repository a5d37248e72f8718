"""The models behind `@vendor/model` names: where they are, what they take, what they cost."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.errors import Setup
from hub.llm.prices import FREE, Price

PACKAGED = Path(__file__).with_name("catalogue.toml")
# What Anthropic, who alone counts it, asks for what it is to remember for five minutes: as many times the price `in`.
WRITTEN = 1.25
MILLION = 1_000_000
Mode = Literal["image", "audio", "video", "file", "tools", "json", "reasoning"]
Transport = Literal["OpenAiCompatible", "Anthropic", "Gemini"]
Badge = Literal["New", "Preview", "Deprecated", "Discounted", "Free"]


@dataclass(frozen=True, slots=True)
class Model:
    """One model. name: what its provider calls it. context: tokens; 0: unknown. flags: those a gateway
    has as well, which hold for every use of the model. checked: the day its facts were looked up. retires: its last.
    transport: what its provider speaks."""

    id: str
    vendor: str
    address: str
    key: str | None
    name: str
    context: int = 0
    price: Price = FREE
    modes: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    badges: tuple[str, ...] = ()
    checked: date | None = None
    retires: date | None = None
    transport: str = "OpenAiCompatible"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All models that can be reached with the keys there are."""

    models: Mapping[str, Model] = field(default_factory=dict)

    def get(self, id: str) -> Model | None:
        return self.models.get(id)


class _Provider(BaseModel):
    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(pattern=r"^https?://")]
    open: bool = False  # needs no key
    transport: Transport = "OpenAiCompatible"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    provider: str
    name: str
    context: Annotated[int, Field(ge=0)] = 0
    price_in: Annotated[float, Field(ge=0, alias="in")] = 0.0
    price_out: Annotated[float, Field(ge=0, alias="out")] = 0.0
    cached: Annotated[float | None, Field(ge=0)] = None
    written: Annotated[float | None, Field(ge=0)] = None
    modes: list[Mode] = []
    flags: list[str] = []
    badges: list[Badge] = []
    checked: date | None = None
    retires: date | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    providers: dict[str, _Provider]
    models: dict[Annotated[str, Field(pattern=r"^@[\w.-]+/[\w.:-]+$")], _Model]


@lru_cache(maxsize=2)
def _read(text: str) -> _File:
    """Nothing of it is changed afterwards."""
    return _File.model_validate(tomllib.loads(text))


def load(path: str, keys: str) -> Catalogue:
    """Read a catalogue; `path` empty: the packaged one. keys: `provider=key` pairs, comma separated.
    Raise Setup naming what is wrong."""
    given = _keys(keys)
    try:
        file = _read((Path(path) if path else PACKAGED).read_text(encoding="utf-8"))
    except OSError as e:
        raise Setup(f"HUB_CATALOGUE cannot be read: {e.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise Setup(f"HUB_CATALOGUE is not TOML: {e}.") from None
    except ValidationError as e:
        first = e.errors()[0]
        raise Setup(f"HUB_CATALOGUE: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    unknown = sorted(set(given) - set(file.providers))
    if unknown:
        raise Setup(f"HUB_MODEL_KEYS names {unknown[0]}, which is no provider of the catalogue.")
    return Catalogue({id: m for id, one in file.models.items() if (m := _model(id, one, file.providers, given))})


def _model(id: str, one: _Model, providers: Mapping[str, _Provider], keys: Mapping[str, str]) -> Model | None:
    provider = providers.get(one.provider)
    if provider is None:
        raise Setup(f"HUB_CATALOGUE: {id} names the provider {one.provider}, which is not there.")
    key = keys.get(one.provider)
    if key is None and not provider.open:
        return None
    cached = one.price_in if one.cached is None else one.cached
    written = one.price_in * WRITTEN if one.written is None else one.written
    price = Price(one.price_in / MILLION, one.price_out / MILLION, cached / MILLION, written / MILLION)
    return Model(
        id, one.provider, provider.address, key, one.name, one.context, price, frozenset(one.modes),
        frozenset(one.flags) | _implied(one.modes), tuple(one.badges), one.checked, one.retires, provider.transport,
    )


def _implied(modes: list[Mode]) -> set[str]:
    """Flags that follow from what a model can do."""
    native = {"StructuredOutputSupport"} if "json" in modes else set()
    return native if "reasoning" in modes else native | {"NoReasoningEffort"}


def _keys(text: str) -> dict[str, str]:
    found = {}
    for pair in filter(None, (p.strip() for p in text.split(","))):
        name, equals, key = pair.partition("=")
        if not equals or not name.strip() or not key.strip():
            raise Setup("HUB_MODEL_KEYS must be pairs such as openai=sk-...,google=..., separated by commas.")
        found[name.strip()] = key.strip()
    return found
