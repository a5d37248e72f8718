"""A connection while its call is being kept: nothing closes it, nobody's answers pile up, and no call is given up."""

import asyncio
from typing import Any

import pytest

from hub.api import quick_webhooks
from hub.api.http.app_keys import CROWD, JOURNAL, SPOOL
from hub.chat.inbound import journal
from hub.config import Settings
from hub.processes import short_calls
from hub.processes.connections import Connection
from hub.processes.refusals import refusing
from hub.processes.short_calls import ShortCalls
from tests.processes.test_quick_webhooks import Street, crowd, opened, street
from tests.processes.test_short_calls import call, raw, stuck

__all__ = ["street"]


class Listener:
    """One over the same application, whose connections are at hand."""

    def __init__(self, s: Street, idle: float = 75.0) -> None:
        self.made: list[Connection] = []
        self._street, self._idle = s, idle

    async def __aenter__(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Connection]:
        app, loop = self._street.app, asyncio.get_running_loop()
        behind = app._make_handler(loop=loop)
        more: dict[str, Any] = {"access_log": None, "keepalive_timeout": self._idle, "loop": loop}

        def connection() -> Connection:
            self.made.append(Connection(behind, 10.0, refusing(app), ShortCalls(app), **more))
            return self.made[-1]

        self._server = await loop.create_server(connection, "127.0.0.1", 0)
        reader, self._writer = await asyncio.open_connection(*self._server.sockets[0].getsockname())
        while not self.made:
            await asyncio.sleep(0)
        return reader, self._writer, self.made[0]

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        self._server.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(60):
        return (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]


async def test_who_reads_no_answers_is_not_given_more_of_them(street: Street) -> None:
    await crowd(street)
    before = await street.kept()
    async with Listener(street) as (reader, writer, connection):
        connection.pause_writing()  # as a transport does whose answers nobody takes
        writer.write(call(street, "one"))
        while await street.kept() == before:
            await asyncio.sleep(0.01)
        writer.write(call(street, "two"))
        while not connection._messages and await street.kept() < before + 2:
            await asyncio.sleep(0.01)
        assert await street.kept() == before + 1, "it waits until the first answer is taken"
        connection.resume_writing()
        assert [await answer(reader), await answer(reader)] == [b"200", b"200"]
    assert await street.kept() == before + 2


async def test_time_to_be_idle_begins_behind_a_call_that_is_being_kept(street: Street) -> None:
    await crowd(street)
    idle, loop = 0.1, asyncio.get_running_loop()
    async with Listener(street, idle) as (reader, writer, _):
        async with stuck(street):
            writer.write(call(street))
            while not sum(street.app[CROWD]._coming):
                await asyncio.sleep(0.005)
            until = loop.time() + 3 * idle
            while loop.time() < until:
                await asyncio.sleep(idle)
        assert await answer(reader) == b"200"


async def test_a_call_that_nobody_repeats_goes_to_disk_when_the_process_ends_and_it_could_not_be_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Z-API never sends again: its call is not given up with its connection."""
    for where in (short_calls, quick_webhooks):
        monkeypatch.setattr(where, "SECONDS", 0.5)
    async with opened(settings, zapi="at_most_once") as (s, serving):
        app, w = s.app, s.w
        await serving.__aenter__()
        with app[JOURNAL].past(w.client):
            monkeypatch.setattr(journal, "CALM", 1)
            assert await raw(s, call(s, "first", "zapi"), answers=1) == ["200"]
            async with stuck(s):
                asked = asyncio.create_task(raw(s, call(s, "second", "zapi"), answers=1))
                while not sum(app[CROWD]._coming):
                    await asyncio.sleep(0.01)
                ending = asyncio.create_task(serving.__aexit__(None, None, None))
                assert await asked == ["200"]
                assert app[SPOOL].holds(w.client)
            await ending
