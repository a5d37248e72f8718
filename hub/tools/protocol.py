"""Protocol functions: tools of the customer, called over HTTP with a proof of whose call it is."""

import base64
import hashlib
import json
import logging
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

import orjson
from pydantic import ValidationError

from hub.accounts import functions, nonce
from hub.accounts.functions import ProtocolFunction, schema_of
from hub.domain import Json
from hub.errors import HubError, Invalid, Setup, Upstream
from hub.pydantic_base import invalid
from hub.task_groups import together
from hub.tools import choices, http_replies, pins
from hub.tools.base import Context, Result, Run, Tool, ToolFailed
from hub.tools.call_context import circumstances
from hub.tools.knowledge import search_tool

log = logging.getLogger(__name__)

SECONDS, LARGEST = 30.0, 1_000_000
SOURCE_SECONDS, SOURCE_LARGEST, SOURCE_MOST = 10.0, 2_000_000, 200
KEPT = 600.0  # seconds that a source's listing is used
PLACE = "tools.functions"
FAILED = "The function failed and gave no result."


async def offered(context: Context, taken: Collection[str] = ()) -> list[Tool]:
    """The functions of the gateway and of its sources. `taken`: names of other tools.

    Raise Invalid for a name that comes twice or cannot be used, Upstream (`source_failed`) for a
    source that cannot be read: an answer without the tools it relies on would be a wrong one.
    """
    parameters = context.gateway.parameters
    declared = [ProtocolFunction.model_validate(f) for f in parameters.get("protocolFunctions") or ()]
    urls = parameters.get("protocolFunctionSources") or ()
    used = dict.fromkeys(taken, "another tool")
    functions.check(declared, used, "protocolFunctions")
    found = list(declared)
    for n, listed in enumerate(await together(*(_approved(context, n, url) for n, url in enumerate(urls)))):
        names = used | {f.name: f"a function of the gateway or of a source before source {n}" for f in found}
        _usable(listed, names, n)
        found += listed
    return [tool_of(f) for f in found]


def tool_of(function: ProtocolFunction) -> Tool:
    """The tool a function is; a worker may hand one in as well. Raise ValueError for a wrong schema."""
    wanted = function.query
    if wanted is not None:
        return search_tool(
            function.name, function.description, [wanted.collection], wanted.top, wanted.least, wanted.references
        )
    return Tool(function.name, function.description, schema_of(function.content_format), _calls(function))


def _calls(function: ProtocolFunction) -> Run:
    async def run(context: Context, arguments: Json) -> Result:
        body = {
            "type": "tool_call",
            "function": {"name": function.name, "content": arguments},
            "context": circumstances(context),
        }
        ours = {"Content-Type": "application/json", **await nonce.headers(context.hub, context.account_id)}
        if context.step:
            ours["Idempotency-Key"] = context.step
        try:
            reply = await context.hub.outbound.request(
                "POST", function.callback_url, headers=joined(function.headers, ours), body=json.dumps(body).encode(),
                seconds=min(SECONDS, context.left), limit=LARGEST,
            )
        except HubError as e:
            log.warning("function %s of account %s cannot be called: %s", function.name, context.account_id, e)
            raise ToolFailed(FAILED) from None
        if not 200 <= reply.status < 300:
            log.warning(
                "function %s of account %s answered with status %d", function.name, context.account_id, reply.status
            )
            raise ToolFailed(FAILED)
        said = http_replies.text(reply)
        return Result(said, choices=choices.beside(said))

    return run


def joined(theirs: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Headers of the customer, except those that we set ourselves in whatever spelling."""
    mine = {name.lower() for name in ours}
    return {**{k: v for k, v in theirs.items() if k.lower() not in mine}, **ours}


async def _approved(context: Context, number: int, url: str) -> list[ProtocolFunction]:
    """The functions of a source; where changes wait for approval, as they were approved, and only if they are still
    called where they were."""
    found = await _listed(context, number, url)
    if not found or not await pins.on(context):
        return found
    told = {f.name: pins.told(f.description, f.content_format, f.callback_url) for f in found}
    allowed = await pins.allowed(context, url, urlsplit(url).hostname or "functions", told)
    return [
        f.model_copy(update={"description": one["description"], "content_format": one["schema"]})
        for f in found if (one := allowed.get(f.name)) and one["called"] == told[f.name]["called"]
    ]


async def _listed(context: Context, number: int, url: str) -> list[ProtocolFunction]:
    """The functions of a source: from the cache, or fetched."""
    hub, account = context.hub, context.account_id
    name = f"functions:{hashlib.sha256(url.encode()).hexdigest()}"
    kept = await hub.cache.get(account, name)
    try:
        if isinstance(kept, str):
            # Sealed, because functions carry credentials in their headers.
            return _read(hub.sealer.open(PLACE, account, base64.b64decode(kept)).encode())
    except Setup:
        log.info("the listing of a function source was kept under another key; it is fetched again")
    try:
        body = await _fetched(context, url)
        found = _read(body)
    except HubError as e:
        raise _broken(number, url, str(e)) from None
    sealed = hub.sealer.seal(PLACE, account, body.decode())
    await hub.cache.put(account, name, base64.b64encode(sealed).decode(), KEPT)
    return found


async def _fetched(context: Context, url: str) -> bytes:
    reply = await context.hub.outbound.request(
        "GET", url, headers=await nonce.headers(context.hub, context.account_id),
        seconds=min(SOURCE_SECONDS, context.left), limit=SOURCE_LARGEST, follow=True,
    )
    if not 200 <= reply.status < 300:
        raise Upstream(f"it answered with status {reply.status}")
    return reply.body


def _read(body: bytes) -> list[ProtocolFunction]:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Upstream("its answer is not JSON") from None
    listed = given.get("functions") if isinstance(given, dict) else None
    if not isinstance(listed, list) or len(listed) > SOURCE_MOST:
        raise Upstream(f'its answer is not {{"functions": [...]}} with at most {SOURCE_MOST} functions')
    found = []
    for n, one in enumerate(listed):
        try:
            found.append(ProtocolFunction.model_validate(one))
        except ValidationError as e:
            raise Upstream(str(invalid(e, f"functions.{n}")).rstrip(".")) from None
    return found


def _usable(listed: list[ProtocolFunction], used: Mapping[str, str], number: int) -> None:
    try:
        functions.check(listed, used, f"protocolFunctionSources.{number}.functions")
    except Invalid as e:
        raise Upstream(str(e), code="source_failed") from None


def _broken(number: int, url: str, why: str) -> Upstream:
    # The rest of the address may hold a token.
    host = urlsplit(url).hostname
    return Upstream(
        f"protocolFunctionSources.{number} ({host}) cannot be used: {why.rstrip('.')}.", code="source_failed"
    )
