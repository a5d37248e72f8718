"""A message of an agent: whole, or in events as it is made."""

from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from hub.api.characters.schemas import MessageOut
from hub.api.http import sse
from hub.api.http.answer_stream import Out, attended
from hub.engine.ask import Sink
from hub.errors import HubError
from hub.llm.types import Delta
from hub.studio.characters.talks import Said

GONE = 499
Work = Callable[[Sink | None], Coroutine[Any, Any, Said]]


async def told(
    request: web.Request, work: Work, stream: bool, verbose: bool, status: int = 200
) -> MessageOut | web.StreamResponse:
    """What `work` says. In events: `{"delta"}` or `{"thoughts"}` for each piece, then the message, then [DONE];
    an error in the middle is `{"error", "code"}`."""
    try:
        if not stream:
            return _shown(await attended(request, work(None)), verbose)
        return await _streamed(Out(request, status=status), request, work, verbose)
    except ConnectionError:
        return web.Response(status=GONE)


async def _streamed(out: Out, request: web.Request, work: Work, verbose: bool) -> web.StreamResponse:
    async def say(delta: Delta) -> None:
        thoughts = sse.encode({"thoughts": delta.reasoning}) if verbose and delta.reasoning else b""
        await out.send(thoughts + (sse.encode({"delta": delta.text}) if delta.text else b""))

    try:
        last = sse.encode(_shown(await attended(request, work(say), out.keep), verbose).model_dump(mode="json"))
    except HubError as e:
        if out.response is None:
            raise
        last = sse.encode({"error": str(e), "code": e.code})
    await out.send(last + sse.encode(sse.DONE))
    assert out.response is not None
    return out.response


def _shown(said: Said, verbose: bool) -> MessageOut:
    return MessageOut(
        id=said.id, content=said.content, role="agent", created_at=said.created_at,
        thoughts=said.thoughts if verbose else None,
    )
