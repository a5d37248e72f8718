"""A GET whose target goes out as it is written, which no client library does."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit


async def raw_get(url: str, target: str, headers: Mapping[str, str]) -> int:
    """The status; 0 where nothing came back."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    lines = [f"GET {target} HTTP/1.1", f"Host: {address.netloc}", "Connection: close"]
    writer.write("\r\n".join([*lines, *(f"{n}: {v}" for n, v in headers.items()), "", ""]).encode())
    try:
        async with asyncio.timeout(60):
            line = await reader.readline()
        return int(line.split()[1]) if line else 0
    finally:
        writer.close()
