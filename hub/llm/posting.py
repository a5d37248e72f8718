"""POSTs to one address again and again, over the connections of the guarded client: what aiohttp makes anew for every
request (headers, a task that writes, a response) is made once, which halves what a call costs."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.helpers import TimerNoop
from aiohttp.http import HttpProcessingError, RawResponseMessage
from yarl import URL

# Larger ones go piece by piece.
LARGEST = 64 << 10
CONNECT = 5.0


class Reply:
    """An answer while it comes. Its connection is free again when it is whole."""

    def __init__(self, connection: Connection, message: RawResponseMessage, content: aiohttp.StreamReader) -> None:
        self._connection = connection
        self.status = message.code
        self.headers: Mapping[str, str] = message.headers
        self.content = content
        content.on_eof(connection.release)

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.release()  # closed where the answer is not whole


class Posts:
    """Of one address with its headers."""

    def __init__(self, session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> None:
        assert session.connector is not None
        self._connector = session.connector
        self.session, self.headers = session, headers
        self._url = url
        self._asked = aiohttp.ClientRequest(
            "POST", URL(url), headers=headers, data=b"{}", loop=asyncio.get_running_loop(), session=session,
        )
        lines = [f"{n}: {v}" for n, v in self._asked.headers.items() if n.lower() != "content-length"]
        self._sure = all(mark not in line for line in lines for mark in "\r\n\0")
        head = "\r\n".join((f"POST {self._asked.url.raw_path_qs} HTTP/1.1", *lines, "Content-Length: "))
        self._head = head.encode()
        self._patient = aiohttp.ClientTimeout(sock_connect=CONNECT)

    def serves(self, session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> bool:
        return self.session is session and self._url == url and self.headers is headers

    async def post(self, body: bytes, left: float) -> Reply | aiohttp.ClientResponse:
        """Raise aiohttp's errors. left: seconds for all of it; of these the caller keeps all but the connection's."""
        if len(body) > LARGEST or not self._sure:
            timeout = aiohttp.ClientTimeout(total=left, sock_connect=min(CONNECT, left))
            return await self.session.post(
                self._url, data=body, headers=self.headers, timeout=timeout, allow_redirects=False
            )
        patient = self._patient if left >= CONNECT else aiohttp.ClientTimeout(sock_connect=left)
        try:
            connection = await self._connector.connect(self._asked, [], patient)
        except TimeoutError as e:
            raise aiohttp.ConnectionTimeoutError("The connection was not made in time.") from e
        try:
            handler = connection.protocol
            assert handler is not None
            message, content = await self._answer(handler, body)
        except BaseException:
            connection.close()
            raise
        return Reply(connection, message, content)

    async def _answer(self, handler: ResponseHandler, body: bytes) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
        handler.set_response_params(timer=TimerNoop(), read_until_eof=True)
        if handler.transport is None or handler.transport.is_closing():
            raise aiohttp.ClientConnectionResetError("The connection was lost.")
        handler.transport.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        try:
            while True:
                message, content = await handler.read()
                if not 100 <= message.code < 200 or message.code == 101:
                    return message, content
        except HttpProcessingError as e:
            raise aiohttp.ClientPayloadError("The answer is no valid HTTP.") from e
