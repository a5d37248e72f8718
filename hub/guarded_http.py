"""Guarded HTTP: the only way to addresses that customers give.

The check sees the address of every connection that is really opened (literals, DNS answers and
redirect hops alike), so a name that changes its answer between check and use gains nothing.
"""

import asyncio
import io
import ipaddress
import socket
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from hub.errors import Invalid, Setup, Upstream

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
REDIRECTS = 3
PIECE = 1 << 20
# Addresses of whose form is remembered that it was looked at, and characters of one of them.
KEPT, LONGEST = 2000, 500
MOST = 300  # connections at a time
LOOKUPS = 32  # of names
BLOCKED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(n)
    for n in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        # IPv6: nothing outside 2000::/3 is the internet, and some of it leads to IPv4.
        "::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. headers: by their names, however these are written."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    mime: str


class Refused(OSError):
    """The address may not be reached; the text names no resolved address."""


class Guard:
    """Decides which addresses may be connected to."""

    def __init__(self, allow: str, public: bool = True) -> None:
        """`allow`: comma separated host names, host:port pairs, addresses or networks; public: and all public ones."""
        self._public = public
        self.networks: list[Network] = []
        self.hosts: set[str] = set()
        for item in (i.strip().lower() for i in allow.split(",")):
            if not item:
                continue
            try:
                self.networks.append(ipaddress.ip_network(item, strict=False))
            except ValueError:
                if "/" in item or " " in item:
                    raise Setup(f"HUB_OUTBOUND_ALLOW: '{item}' is neither a host nor a network.") from None
                self.hosts.add(item)

    def permits(self, ip: IP) -> bool:
        mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
        for net in self.networks:
            for one in (ip, mapped):
                if one is not None and one.version == net.version and one in net:
                    return True
        return self._public and ip.is_global and not any(ip in n for n in BLOCKED if n.version == ip.version)

    def names(self, host: str, port: int) -> bool:
        """Whether an operator allowed this host by name."""
        return host in self.hosts or f"{host}:{port}" in self.hosts

    def open(self, info: Any) -> socket.socket:
        """Socket factory of the connector: raise OSError instead of connecting."""
        family, kind, proto, _, address = info
        if not self.permits(ipaddress.ip_address(str(address[0]).split("%")[0])):
            raise Refused("this address may not be reached")
        return socket.socket(family, kind, proto)

    def check(self, url: str) -> None:
        """Refuse what no connection should even be tried for. Raise Invalid."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise Invalid("Only http and https addresses can be used.")
        if parts.username is not None or parts.password is not None:
            raise Invalid("The address must not contain a user name or password.")
        if not parts.hostname:
            raise Invalid("The address has no host.")
        try:
            _ = parts.port
        except ValueError:
            raise Invalid("The port of the address is not a number.") from None


class Lookups(AbstractResolver):
    """Names are looked up on threads of their own: whoever gives names that nobody answers for keeps no file from being
    read and no password from being checked."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, "names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        ask = partial(
            socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(at[0]), port=int(at[1]), family=kind, proto=proto, flags=numeric)
            for kind, _, proto, _, at in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Shared(aiohttp.TCPConnector):
    """Connections that accounts share: of what the others leave, one takes all but a tenth. So nobody's calls wait for
    those of an account whose addresses answer nothing."""

    def __init__(self, whose: Callable[[], str | None], **more: Any) -> None:
        """whose: the account that is worked for; None: the hub itself, or one that is not told."""
        super().__init__(limit=MOST, **more)
        self._whose = whose
        self._held: Counter[str] = Counter()
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        whose = self._whose()
        if whose is None:
            return await super().connect(req, traces, timeout)
        if self._fits(whose):
            self._held[whose] += 1
        else:
            await self._turn(whose, timeout.connect)
        try:
            found = await super().connect(req, traces, timeout)
        except BaseException:
            self._leave(whose)
            raise
        found.add_callback(partial(self._leave, whose))
        return found

    def _fits(self, whose: str) -> bool:
        mine = MOST - (self._held.total() - self._held[whose])
        return self._held[whose] < (mine - max(1, mine // 10) if mine > 1 else mine)

    async def _turn(self, whose: str, seconds: float | None) -> None:
        """Whoever gives a place back hands it on, counted already. Raise TimeoutError."""
        line = self._lines.setdefault(whose, deque())
        mine = asyncio.get_running_loop().create_future()
        line.append(mine)
        try:
            async with asyncio.timeout(seconds):
                await mine
        except BaseException:
            if mine.done() and not mine.cancelled():
                self._leave(whose)  # its turn came in the same moment
            elif mine in line:
                line.remove(mine)
            raise

    def _leave(self, whose: str) -> None:
        self._held[whose] -= 1
        if not self._held[whose]:
            del self._held[whose]
        for one, line in list(self._lines.items()):
            while line and (line[0].done() or self._fits(one)):
                if not (following := line.popleft()).done():
                    self._held[one] += 1
                    following.set_result(None)
            if not line:
                del self._lines[one]


class Outbound:
    """Two sessions: one that reaches public addresses only, one for hosts allowed by name."""

    def __init__(self, guard: Guard, public: aiohttp.ClientSession, named: aiohttp.ClientSession) -> None:
        self.guard = guard
        self.public = public
        self._named = named
        self._known: dict[str, aiohttp.ClientSession] = {}

    def session(self, url: str) -> aiohttp.ClientSession:
        """The session to use for this address, after checking its form. Raise Invalid."""
        found = self._known.get(url)
        if found is None:
            self.guard.check(url)
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            found = self._named if self.guard.names((parts.hostname or "").lower(), port) else self.public
            if len(self._known) >= KEPT:
                self._known.clear()
            if len(url) <= LONGEST:
                self._known[url] = found
        return found

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float = 10.0,
        limit: int = 10_000_000,
        follow: bool = False,
        cut: bool = False,
    ) -> Reply:
        """One call. Redirects (GET only, when `follow`) are checked hop by hop and lose the headers
        on another host. `cut`: of an answer beyond `limit` its first bytes are enough. Raise Upstream
        in words that name no resolved address, TimeoutError never."""
        sent = dict(headers or {})
        try:
            async with asyncio.timeout(seconds):
                for _ in range(REDIRECTS + 1):
                    async with self.session(url).request(
                        method, url, headers=sent, data=_sent(body), allow_redirects=False
                    ) as answer:
                        target = answer.headers.get("Location")
                        if follow and target and answer.status in (301, 302, 303, 307, 308):
                            url, sent = self._hop(url, urljoin(url, target), sent)
                            continue
                        content = await _read(answer, limit, cut)
                        return Reply(answer.status, answer.headers, content, answer.content_type)
        except TimeoutError:
            raise Upstream("The address did not answer in time.") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise Upstream("The address cannot be reached.") from None
        raise Upstream("The address redirects too often.")

    @staticmethod
    def _hop(old: str, new: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
        a, b = urlsplit(old), urlsplit(new)
        if a.scheme == "https" and b.scheme != "https":
            raise Upstream("The address redirects from https to http.")
        return new, headers if a.netloc == b.netloc else {}


def _sent(body: bytes | None) -> bytes | io.BytesIO | None:
    """A large body goes piece by piece, so that others are served in between."""
    return io.BytesIO(body) if body and len(body) > PIECE else body


async def _read(answer: aiohttp.ClientResponse, limit: int, cut: bool) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for piece in answer.content.iter_chunked(65536):
        size += len(piece)
        if size > limit:
            if cut:
                answer.close()
                return b"".join((*parts, piece))[:limit]
            raise Upstream(f"The answer is larger than {limit:,} bytes.")
        parts.append(piece)
    return b"".join(parts)


@asynccontextmanager
async def open_outbound(
    allow: str, all_public: bool = True, whose: Callable[[], str | None] = lambda: None
) -> AsyncIterator[Outbound]:
    """whose: the account that a call is made for, where it is known."""
    guard, names = Guard(allow, all_public), Lookups()
    timeout = aiohttp.ClientTimeout(total=None, connect=5, sock_read=60)
    # trust_env stays off: a proxy variable would carry requests around the guard.
    async with (
        aiohttp.ClientSession(
            connector=Shared(whose, socket_factory=guard.open, resolver=names), timeout=timeout,
            trust_env=False, cookie_jar=aiohttp.DummyCookieJar(),
        ) as public,
        aiohttp.ClientSession(
            connector=Shared(whose, resolver=names), timeout=timeout, trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as named,
    ):
        try:
            yield Outbound(guard, public, named)
        finally:
            await names.close()
