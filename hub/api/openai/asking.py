"""From a completion request to a question for the engine."""

import time
from dataclasses import replace

from hub.api.openai.schemas import CompletionIn
from hub.chat.engine import Ask
from hub.domain import Caller, Gateway, Json
from hub.errors import Forbidden, Invalid

SECONDS = 300.0
LONGEST = 1_000_000
# What a public key, which everyone can read in a web page, may decide; the rest is the gateway's.
PUBLIC = ("stop", "response_format")
PUBLIC_ROLES = ("user", "assistant")


def ask_of(who: Caller, gateway: Gateway, body: CompletionIn, seconds: float = SECONDS) -> Ask:
    """Raise Invalid for what this version cannot do, Forbidden for what a public key may not."""
    field = body.unsupported()
    if field:
        raise Invalid(f"{field} is not supported yet; leave it out.", field=field, code="unsupported_parameter")
    talk, options = body.talk(), body.options()
    if who.kind == "public":
        talk, options, gateway = _limited(talk, options, gateway)
    return Ask(
        account_id=who.account_id,
        gateway=gateway,
        messages=talk,
        options=options,
        external_user=body.user,
        origin="Api",
        deadline=time.monotonic() + seconds,
        retractable=False,
        longest=LONGEST,
    )


def _limited(talk: list[Json], options: Json, gateway: Gateway) -> tuple[list[Json], Json, Gateway]:
    for message in talk:
        if message["role"] not in PUBLIC_ROLES or message.get("tool_calls"):
            raise Forbidden(
                "A public key may send messages of the roles user and assistant, without tools.",
                field="messages",
                code="private_key_needed",
            )
    kept = {name: options[name] for name in PUBLIC if name in options}
    asked, most = options.get("max_completion_tokens"), gateway.parameters.get("maxCompletionTokens")
    if asked is not None:
        kept["max_completion_tokens"] = min(asked, most) if most is not None else asked
    return talk, kept, replace(gateway, parameters={**gateway.parameters, "tools": None})
