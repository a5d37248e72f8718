"""From a completion request to a question for the engine."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hub import ids
from hub.api.openai.schemas import CompletionIn
from hub.config import Settings
from hub.domain import Caller, Gateway, Json
from hub.engine.ask import ATTEMPTS, Ask, Structured
from hub.engine.limits import ACCOUNT, limits_of
from hub.engine.multimodal import kinds
from hub.errors import Forbidden, Invalid
from hub.llm import heal
from hub.llm.candidates import address_of
from hub.llm.extractive import MODEL as EXTRACTIVE
from hub.llm.types import INTEGRATED

LONGEST = 1_000_000
# What a public key, which everyone can read in a web page, may decide; the rest is the gateway's.
PUBLIC = ("stop", "response_format")
PUBLIC_ROLES = ("user", "assistant")
# What a gateway can do beside talking; none of it for who holds a public key.
SURFACES: Mapping[str, Any] = {
    "tools": None, "protocolFunctions": [], "protocolFunctionSources": [], "mcpSources": [], "sentinelOptions": None,
    "enableBash": False, "skills": [],
}


def ask_of(
    settings: Settings, who: Caller, gateway: Gateway, body: CompletionIn, account: Mapping[str, Any]
) -> Ask:
    """`account`: its parameters. Raise Invalid for what cannot be, Forbidden for what a public key may not."""
    talk, options = body.talk(), body.options()
    structured = structured_of(body, bool(account.get("automaticJsonHealing")))
    public = who.kind == "public"
    if address_of(gateway) == INTEGRATED:
        _no_extras(body, public)
        if structured is not None and gateway.parameters.get("modelName") == EXTRACTIVE:
            raise Invalid(
                f"{EXTRACTIVE} quotes documents and cannot write JSON; ask a model that can.", field="response_format"
            )
        options.pop("extra_body", None)
    if public:
        _allowed(talk, body)
        options, gateway = _limited(options, gateway)
        if structured is not None:
            structured = replace(structured, attempts=min(structured.attempts, ATTEMPTS))
    elif body.builtin_tools is not None:
        gateway = replace(gateway, parameters=with_builtins(gateway.parameters, body.builtin_tools.stored()))
    asked = {} if public else body.limits
    limits, seconds = limits_of(settings, gateway.parameters, asked, account.get(ACCOUNT))
    return Ask(
        account_id=who.account_id,
        gateway=gateway,
        messages=talk,
        options=options,
        external_user=body.user,
        metadata=body.metadata or {},
        # Whoever holds a public key cannot go on with, or write over, a conversation of somebody else.
        conversation=str(ids.uuid7()) if public else body.idempotency_key or str(ids.uuid7()),
        deadline=time.monotonic() + seconds,
        retractable=False,
        longest=LONGEST,
        structured=structured,
        preprocess=() if public else kinds(body.multimodal_preprocess),
        explain=bool(body.tool_invocation_explanations),
        direct=True,
        limits=limits,
    )


def _no_extras(body: CompletionIn, public: bool) -> None:
    """Raise Invalid for fields that only a provider of the customer's own would understand."""
    if body.extra_body:
        raise Invalid(
            "extra_body goes to a provider of your own; this model is the hub's. Leave it out.", field="extra_body"
        )
    if body.unknown and not public:
        names = ", ".join(list(body.unknown)[:8])
        raise Invalid(
            f"This model is the hub's and does not know {names}; such fields go to a provider of your own.",
            field=next(iter(body.unknown)), code="unknown_field",
        )


def structured_of(body: CompletionIn, automatic: bool) -> Structured | None:
    """What JSON is wanted and who sees to it. Raise Invalid when the schema is none."""
    if body.response_schema is not None:
        heal.checker(body.response_schema)
        return Structured(body.response_schema)
    asked = body.response_format
    if asked is None or asked.type == "text":
        return Structured(None) if body.json_only else None
    healing = asked.healing
    heals = automatic or healing is not None or bool(body.json_only)
    schema = asked.json_schema.schema_ if asked.json_schema else None
    if schema is not None and heals:
        heal.checker(schema)
    name = asked.json_schema.name if asked.json_schema and asked.json_schema.name else "answer"
    found = Structured(schema, heals=heals, name=name)
    return replace(found, attempts=healing.max_attempts) if healing else found


def with_builtins(parameters: Json, asked: Json) -> Json:
    """The gateway's parameters with the request's built-in functions beside its own, and its options over them."""
    own = (parameters.get("sentinelOptions") or {}).get("enabledFunctions") or []
    return {
        **parameters,
        "sentinelOptions": {"enabledFunctions": list(dict.fromkeys([*own, *asked["tools"]]))},
        "builtinFunctionsOptions": {**(parameters.get("builtinFunctionsOptions") or {}), **asked["options"]},
    }


def _allowed(talk: list[Json], body: CompletionIn) -> None:
    for message in talk:
        if message["role"] not in PUBLIC_ROLES or message.get("tool_calls"):
            raise Forbidden(
                "A public key may send messages of the roles user and assistant, without tools.",
                field="messages",
                code="private_key_needed",
            )
    for field in ("builtin_tools", "user", "voice_id", "thread_id", "store"):
        if getattr(body, field):
            raise Forbidden(f"A public key may not set {field}; use a private key.", field=field,
                            code="private_key_needed")


def _limited(options: Json, gateway: Gateway) -> tuple[Json, Gateway]:
    kept = {name: options[name] for name in PUBLIC if name in options}
    asked, most = options.get("max_completion_tokens"), gateway.parameters.get("maxCompletionTokens")
    if asked is not None:
        kept["max_completion_tokens"] = min(asked, most) if most is not None else asked
    return kept, replace(gateway, parameters={**gateway.parameters, **SURFACES})
