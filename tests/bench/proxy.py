"""A bare JSON proxy to a model server, as a measure of what aiohttp alone costs: reads and writes every
request, answer and event as JSON, and does nothing else."""

import asyncio
import sys

import aiohttp
import orjson
import uvloop
from aiohttp import web

UPSTREAM = web.AppKey("upstream", str)
HTTP = web.AppKey("http", aiohttp.ClientSession)


async def complete(request: web.Request) -> web.StreamResponse:
    body = orjson.loads(await request.read())
    async with request.app[HTTP].post(
        request.app[UPSTREAM], data=orjson.dumps(body), headers={"Content-Type": "application/json"}
    ) as reply:
        if reply.content_type != "text/event-stream":
            return web.Response(body=orjson.dumps(orjson.loads(await reply.read())), content_type="application/json")
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        rest = b""
        while chunk := await reply.content.readany():
            *lines, rest = (rest + chunk).split(b"\n")
            await out.write(b"".join(_event(line) for line in lines if line.startswith(b"data:")))
        await out.write_eof()
        return out


def _event(line: bytes) -> bytes:
    data = line[5:].strip()
    return b"data: " + (data if data == b"[DONE]" else orjson.dumps(orjson.loads(data))) + b"\n\n"


async def serve(port: int, upstream: str) -> None:
    app = web.Application()
    app[UPSTREAM] = upstream
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=500)) as http:
        app[HTTP] = http
        app.router.add_post("/v1/chat/completions", complete)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as main:
        main.run(serve(int(sys.argv[1]), sys.argv[2]))
