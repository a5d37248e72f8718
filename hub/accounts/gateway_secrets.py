"""What of a gateway is kept under seal, what is shown of it, and where it may go."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from hub.accounts.destinations import (
    Entry,
    bare,
    destination,
    masked,
    moved,
    not_a_value,
    queried,
    unmasked,
    unqueried,
    wanted,
)
from hub.accounts.parameters import Deployment, FallbackModel, GatewayParameters
from hub.accounts.value_types import MASK, mask
from hub.domain import Gateway
from hub.errors import Invalid
from hub.sealing import Sealer

PLACE = "gateways.secrets"
# Parameters whose entries have headers, and what their addresses are called.
HEADED: Mapping[str, str] = {
    "protocolFunctions": "callbackUrl",
    "mcpSources": "url",
    "systemInstructionsSources": "url",
}
ADDRESSES = ("baseAddress", "workerScriptSource")
# Parameters whose entries have a place and a key of their own.
PLACED = ("fallbackModels", "deployments")
Json = dict[str, Any]


def split(parameters: GatewayParameters, key: str | None, id: UUID, sealer: Sealer) -> tuple[Json, bytes | None]:
    """What is stored open, and what is sealed: keys, headers, queries of addresses, additional settings."""
    whole = {k: v for k, v in parameters.stored().items() if k != "apiKey"}
    stored = whole | opened(whole)
    kept = {name: value for name, value in whole.items() if stored[name] != value}
    if not key and not kept:
        return stored, None
    return stored, sealer.seal(PLACE, id, orjson.dumps({"apiKey": key, "parameters": kept}).decode())


def opened(whole: Json) -> Json:
    """The parameters that may hold secrets, without them."""
    found: Json = {
        name: [{**one, "headers": {}, url: bare(one[url])} for one in whole.get(name) or ()]
        for name, url in HEADED.items()
    }
    found |= {name: bare(whole[name]) if whole.get(name) else None for name in ADDRESSES}
    found["protocolFunctionSources"] = [bare(url) for url in whole.get("protocolFunctionSources") or ()]
    for name in PLACED:
        found[name] = [
            {**one, "apiKey": None, "baseAddress": bare(one["baseAddress"]) if one.get("baseAddress") else None}
            for one in whole.get(name) or ()
        ]
    found |= {"additionalSettings": None, "providerHeaders": {}}
    return found


def joined(stored: Json, secret: Json) -> Json:
    """The parameters as they were given, from what was split."""
    parameters = {**stored, **(secret.get("parameters") or {})}
    # Of a version of the hub that sealed only headers and keys.
    for name, headers in (secret.get("headers") or {}).items():
        parameters[name] = [{**one, "headers": own} for one, own in zip(stored[name], headers, strict=True)]
    for one, key in zip(parameters.get("fallbackModels") or (), secret.get("fallbackKeys") or (), strict=False):
        one["apiKey"] = key
    return parameters


def shown(gateway: Gateway, whole: bool) -> Json:
    """All parameters as they are documented, keys and headers masked. whole: with the queries of addresses and the
    additional settings, which may hold tokens."""
    p = gateway.parameters
    found: Json = {
        name: [{**one, "headers": masked(one.get("headers"))} for one in p.get(name) or ()] for name in HEADED
    }
    others = {name: [{**one, "apiKey": mask(one.get("apiKey"))} for one in p.get(name) or ()] for name in PLACED}
    found = {
        **p, **found, **others, "apiKey": mask(gateway.api_key), "providerHeaders": masked(p.get("providerHeaders")),
    }
    return found if whole else found | _discreet(found)


def _discreet(p: Json) -> Json:
    found: Json = {
        name: [{**one, url: unqueried(one[url])} for one in p.get(name) or ()] for name, url in HEADED.items()
    }
    found |= {name: unqueried(p[name]) if p.get(name) else None for name in ADDRESSES}
    found["protocolFunctionSources"] = [unqueried(url) for url in p.get("protocolFunctionSources") or ()]
    for name in PLACED:
        found[name] = [
            {**one, "baseAddress": unqueried(one["baseAddress"]) if one.get("baseAddress") else None}
            for one in p.get(name) or ()
        ]
    found["additionalSettings"] = masked_within(p.get("additionalSettings"))
    return found


def masked_within(value: Any) -> Any:
    """Every text of a value as its mask."""
    if isinstance(value, dict):
        return {k: masked_within(v) for k, v in value.items()}
    if isinstance(value, list):
        return [masked_within(v) for v in value]
    return mask(value) or "" if isinstance(value, str) else value


def unmasked_within(value: Any, old: Any, field: str) -> Any:
    """A value whose masks stand for what was at the same place. Raise Invalid for one that stands for nothing."""
    if isinstance(value, dict):
        known = old if isinstance(old, dict) else {}
        return {k: unmasked_within(v, known.get(k), f"{field}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        known_list = old if isinstance(old, list) else []
        padded = [*known_list, *([None] * len(value))]
        return [unmasked_within(v, padded[n], f"{field}.{n}") for n, v in enumerate(value)]
    if not isinstance(value, str) or not value.startswith(MASK):
        return value
    if not isinstance(old, str) or mask(old) != value:
        raise not_a_value(field)
    return old


def complete(parameters: GatewayParameters, given: Mapping[str, Any], old: Gateway | None) -> None:
    """Put what masks stand for in their place. Raise Invalid naming a mask that stands for nothing, and a secret that
    would go to a destination it was not given for. given: what was sent, in its documented spelling."""
    before: Json = old.parameters if old else {}
    _queries(parameters, before)
    _headers(parameters, before)
    _provider_headers(parameters, given, before)
    _places(parameters, given, before)
    _settings(parameters, given, before)


def key_of(parameters: GatewayParameters, given: Mapping[str, Any], old: Gateway | None) -> str | None:
    """The new key: what is given, the old one when it is left out or comes back as its mask and still goes to where
    it went. Raise Invalid."""
    kept = old.api_key if old else None
    new = given.get("apiKey")
    masking = isinstance(new, str) and new.startswith(MASK)
    if "apiKey" in given and not masking:
        return new or None
    if masking and new != mask(kept):
        raise not_a_key("parameters.apiKey")
    if kept and old and moved(old.parameters["baseAddress"], parameters.base_address):
        raise wanted("parameters.apiKey", "parameters.baseAddress")
    return kept


def not_a_key(field: str) -> Invalid:
    text = f"{field} is a mask, not a key; send the whole key, or leave the field out to keep the old one."
    return Invalid(text, field=field)


def _queries(parameters: GatewayParameters, before: Json) -> None:
    p = parameters
    p.base_address = queried(p.base_address, "parameters.baseAddress", [before.get("baseAddress") or ""])
    if p.worker_script_source:
        known = [before.get("workerScriptSource") or ""]
        p.worker_script_source = queried(p.worker_script_source, "parameters.workerScriptSource", known)
    known = before.get("protocolFunctionSources") or []
    p.protocol_function_sources = [
        queried(url, f"parameters.protocolFunctionSources.{n}", known)
        for n, url in enumerate(p.protocol_function_sources)
    ]
    for name, places in _placed(p):
        known = [one["baseAddress"] for one in before.get(name) or () if one.get("baseAddress")]
        for n, one in enumerate(places):
            if one.base_address:
                one.base_address = queried(one.base_address, f"parameters.{name}.{n}.baseAddress", known)
    for n, function in enumerate(p.protocol_functions):
        known = [o["callbackUrl"] for o in before.get("protocolFunctions") or ()]
        function.callback_url = queried(function.callback_url, f"parameters.protocolFunctions.{n}.callbackUrl", known)
    for name, sources in (("mcpSources", p.mcp_sources), ("systemInstructionsSources", p.system_instructions_sources)):
        known = [o["url"] for o in before.get(name) or ()]
        for n, source in enumerate(sources):
            source.url = queried(source.url, f"parameters.{name}.{n}.url", known)


def _headers(parameters: GatewayParameters, before: Json) -> None:
    lists: Mapping[str, Sequence[Any]] = {
        "protocolFunctions": parameters.protocol_functions,
        "mcpSources": parameters.mcp_sources,
        "systemInstructionsSources": parameters.system_instructions_sources,
    }
    for name, entries in lists.items():
        url = HEADED[name]
        known = [Entry(o["name"], o[url], o.get("headers") or {}) for o in before.get(name) or ()]
        for n, one in enumerate(entries):
            address = one.callback_url if name == "protocolFunctions" else one.url
            one.headers, lost = unmasked(Entry(one.name, address, one.headers), known)
            if lost:
                raise not_a_value(f"parameters.{name}.{n}.headers.{lost[0]}")


def _placed(parameters: GatewayParameters) -> tuple[tuple[str, Sequence[FallbackModel | Deployment]], ...]:
    return ("fallbackModels", parameters.fallback_models), ("deployments", parameters.deployments)


def _provider_headers(parameters: GatewayParameters, given: Mapping[str, Any], before: Json) -> None:
    """Headers for the provider go to the base address that they were given for."""
    base, old = before.get("baseAddress"), before.get("providerHeaders") or {}
    away = bool(before) and moved(base, parameters.base_address)
    if old and away and "providerHeaders" not in given:
        raise wanted("parameters.providerHeaders", "parameters.baseAddress")
    known = [Entry("", base or "", old)]
    parameters.provider_headers, lost = unmasked(Entry("", parameters.base_address, parameters.provider_headers), known)
    if lost:
        raise not_a_value(f"parameters.providerHeaders.{lost[0]}")


def _places(parameters: GatewayParameters, given: Mapping[str, Any], before: Json) -> None:
    """The key of a fallback, or of a deployment, goes to its own address, without one to where the first is."""
    for name, places in _placed(parameters):
        others = before.get(name) or ()
        keyed = any(o.get("apiKey") and not o.get("baseAddress") for o in others)
        if keyed and name not in given and moved(before["baseAddress"], parameters.base_address):
            raise wanted(f"parameters.{name}", "parameters.baseAddress")
        known = [(_place(o, before["baseAddress"]), o.get("modelName"), o.get("apiKey")) for o in others]
        for n, one in enumerate(places):
            if one.api_key and one.api_key.startswith(MASK):
                place = destination(one.base_address or parameters.base_address)
                one.api_key = _kept(one, place, known, f"parameters.{name}.{n}.apiKey")


def _kept(
    one: FallbackModel | Deployment, place: str, known: Sequence[tuple[str, str | None, str | None]], field: str
) -> str:
    same = [
        (model != one.model_name, key) for p, model, key in known if key and p == place and mask(key) == one.api_key
    ]
    if not same:
        raise not_a_key(field)
    return min(same)[1]


def _place(one: Json, base: str) -> str:
    return destination(one.get("baseAddress") or base)


def _settings(parameters: GatewayParameters, given: Mapping[str, Any], before: Json) -> None:
    """Additional settings go wherever the gateway's models are."""
    old = before.get("additionalSettings")
    places = {
        destination(parameters.base_address),
        *(destination(one.base_address) for _, places in _placed(parameters) for one in places if one.base_address),
    }
    had = {_place(o, before["baseAddress"]) for name in PLACED for o in before.get(name) or ()}
    stray = bool(before) and not places <= had | {destination(before["baseAddress"])}
    if stray and old and "additionalSettings" not in given:
        raise wanted("parameters.additionalSettings", "parameters.baseAddress")
    parameters.additional_settings = unmasked_within(
        parameters.additional_settings, None if stray else old, "parameters.additionalSettings"
    )
