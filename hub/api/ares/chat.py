"""R-01 and R-02: a message to an agent."""

import logging
import re
from typing import Any
from urllib.parse import quote

from aiohttp import web

from hub.api.ares.schemas import ChatIn, ChatOut, Source, StreamQuery
from hub.api.http import sse
from hub.api.http.answer_stream import Out, attended
from hub.api.http.app_keys import HUB, user
from hub.api.http.endpoint import endpoint
from hub.api.http.families import coded
from hub.api.http.operation import Header, Route
from hub.errors import HubError
from hub.llm.types import Delta
from hub.studio.ares import talk
from hub.studio.ares.talk import Reply, Talk

log = logging.getLogger(__name__)

TAG = "Chat"
GONE = 499
SAFE = "!#$&'()*+,-./:;<=>?@[]^_`{|}~ "
ERRORS = (402, 404, 502)
JSON = re.compile(r";\s*format\s*=\s*\"?json\b", re.IGNORECASE)
ACCEPT = Header("Accept", "`text/event-stream; format=json`: events in place of pieces of text.", required=False)


@endpoint(id="R-01", tag=TAG, auth="user", family="ares", errors=ERRORS)
async def chat(request: web.Request, body: ChatIn) -> ChatOut | web.Response:
    """Send a message.

    The answer's headers `x-input-tokens` and `x-output-tokens` say what it took, `X-Context-Id` and `X-Agent`
    what the body says too.
    """
    hub, who = request.app[HUB], user(request)
    try:
        begun = await attended(request, talk.begin(hub, who, body.message, body.agent_type, body.context_id))
        made = await attended(request, talk.answer(hub, begun))
    except ConnectionError:
        return web.Response(status=GONE)
    said = ChatOut(
        response="\n\n".join(t for t in (made.text, made.beside) if t), agent=made.agent, context_id=made.context_id,
        sources=None if made.sources is None else [Source(**one) for one in made.sources],
    )
    return web.Response(
        body=said.model_dump_json().encode(), content_type="application/json",
        headers={
            **_names(begun), "x-input-tokens": str(made.usage.prompt), "x-output-tokens": str(made.usage.completion)
        },
    )


@endpoint(
    id="R-02", tag=TAG, auth="user", family="ares", produces="text/event-stream", errors=ERRORS, headers=(ACCEPT,)
)
async def stream(request: web.Request, body: ChatIn, query: StreamQuery) -> web.StreamResponse:
    """Send a message and get the answer as it is made.

    Each event is a piece of the text; the pieces one after the other are the answer. With `format=json` events
    are `{"event": "start" | "token" | "done" | "error", ...}`. `X-Context-Id` and `X-Agent` are headers.
    """
    hub, who = request.app[HUB], user(request)
    try:
        begun = await attended(request, talk.begin(hub, who, body.message, body.agent_type, body.context_id))
        out = Out(request, headers=lambda: _names(begun))
        as_json = query.format == "json" or JSON.search(request.headers.get("Accept", "")) is not None
        says = Events(out, begun) if as_json else Pieces(out)
        try:
            await says.end(await attended(request, talk.answer(hub, begun, says.piece), out.keep))
        except HubError as e:
            if out.response is None:
                raise
            log.warning("the answer in %s broke off: %s", begun.dialog.name, e)
            await says.failed(e)
    except ConnectionError:
        return web.Response(status=GONE)
    assert out.response is not None
    return out.response


class Pieces:
    """The text itself: an event never goes on behind a line break, so that simple readers lose no more than that."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._said = False

    async def piece(self, delta: Delta) -> None:
        # A carriage return would end the line of an event.
        text = delta.text.replace("\r", "")
        self._said = self._said or bool(text)
        await self._out.send(b"".join(sse.encode(line) for line in text.splitlines(keepends=True)))

    async def end(self, made: Reply) -> None:
        beside = f"\n\n{made.beside}" if made.beside else ""
        await self.piece(Delta(beside if self._said else made.text + beside))

    async def failed(self, error: HubError) -> None:
        """There is no room for words: the connection breaks off, which a whole answer never does."""
        raise error


class Events(Pieces):
    """The text in events with a name."""

    def __init__(self, out: Out, begun: Talk) -> None:
        super().__init__(out)
        self._names = {"agent": begun.agent.name, "context_id": begun.dialog.name}
        self._begun = False

    async def _send(self, event: str, **more: Any) -> None:
        start = b"" if self._begun else sse.encode({"event": "start", **self._names})
        self._begun = True
        await self._out.send(start + sse.encode({"event": event, **more}))

    async def piece(self, delta: Delta) -> None:
        if delta.text:
            self._said = True
            await self._send("token", content=delta.text)

    async def end(self, made: Reply) -> None:
        await super().end(made)
        used = {"input_tokens": made.usage.prompt, "output_tokens": made.usage.completion}
        await self._send("done", **self._names, sources=made.sources, **used)

    async def failed(self, error: HubError) -> None:
        await self._send("error", error=str(error), code=coded("ares", error.status, error.code), **self._names)


def _names(begun: Talk) -> dict[str, str]:
    return {"X-Context-Id": quote(begun.dialog.name, safe=SAFE), "X-Agent": begun.agent.name}


ROUTES = (
    Route("POST", "/api/chat", chat),
    Route("POST", "/api/chat/stream", stream),
)
