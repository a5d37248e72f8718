"""The MCP client's HTTP over the guarded sessions: no connection is opened that the guard refuses."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import httpx2
from yarl import URL

from hub.errors import HubError
from hub.guarded_http import Outbound

LARGEST = 20_000_000  # bytes of one answer
CONNECT = 5.0
# Of one hop, or made anew by the client underneath.
OWN = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding")
# The body arrives unpacked.
PACKING = ("content-encoding", "content-length", "transfer-encoding", "connection")


class Guarded(httpx2.AsyncBaseTransport):
    """Failures become answers with a status: the package takes those for errors of the one request,
    while an exception would end the whole session. `why` tells the last one."""

    def __init__(self, outbound: Outbound, left: Callable[[], float]) -> None:
        """left: seconds until the turn ends."""
        self._outbound = outbound
        self._left = left
        self.why = ""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET" and "last-event-id" not in request.headers:
            # The standing stream: nothing a server says by itself is of use during a turn.
            return httpx2.Response(405)
        url = str(request.url)
        headers = [(k, v) for k, v in request.headers.multi_items() if k.lower() not in OWN]
        timeout = aiohttp.ClientTimeout(total=max(0.1, self._left()), connect=CONNECT)
        try:
            answer = await self._outbound.session(url).request(
                request.method, URL(url, encoded=True), headers=headers, data=await request.aread(),
                allow_redirects=False, timeout=timeout,
            )
        except HubError as e:
            return self._failed(str(e))
        except TimeoutError:
            return self._failed("The address did not answer in time.")
        except (aiohttp.ClientError, OSError, ValueError):
            return self._failed("The address cannot be reached.")
        if answer.status >= 400:
            self.why = f"The address answered with status {answer.status}."
        kept = [(k, v) for k, v in answer.headers.items() if k.lower() not in PACKING]
        return httpx2.Response(answer.status, headers=kept, stream=_Body(answer))

    def _failed(self, why: str) -> httpx2.Response:
        self.why = why
        return httpx2.Response(502)


class _Body(httpx2.AsyncByteStream):
    """The answer's body; one that breaks off, or is too large, ends early and so makes no message."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for piece in self._answer.content.iter_any():
                size += len(piece)
                if size > LARGEST:
                    return
                yield piece
        except (aiohttp.ClientError, OSError, TimeoutError):
            return

    async def aclose(self) -> None:
        self._answer.close()
