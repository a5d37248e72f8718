"""The guarded client reaches no inner address, however it is written."""

import socket
import traceback
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult

from hub.errors import HubError, Invalid, Setup, Upstream
from hub.guarded_http import Guard, Outbound, Reply, open_outbound
from tests.core.places import Names, Place, place, resolve_by

# `P` is the port of a server that really listens on all loopback addresses asked for here.
LOOPBACK = """
http://127.0.0.1:P/  http://127.1:P/  http://127.0.1:P/  http://127.0.0.2:P/
http://127.255.255.254:P/  http://127.0.0.1.:P/  http://0x7f000001:P/  http://0x7F.0.0.1:P/
http://0x7f.1:P/  http://2130706433:P/  http://2130706433.:P/  http://6425673729:P/
http://017700000001:P/  http://0177.0.0.1:P/  http://0177.1:P/  http://00000177.0.0.1:P/
http://127.0.0.001:P/  http://0:P/  http://0.0.0.0:P/  http://0.0.0.0.:P/  http://0x0:P/
http://localhost:P/  http://LOCALHOST:P/  http://localhost.:P/  http://ip6-localhost:P/
http://localhost.localdomain:P/  http://[::1]:P/  http://[::]:P/  http://[0:0:0:0:0:0:0:1]:P/
http://[0000::0001]:P/  http://[::1%25lo]:P/  http://[::1%lo]:P/  http://[::ffff:127.0.0.1]:P/
http://[::ffff:7f00:1]:P/  http://[0:0:0:0:0:ffff:127.0.0.1]:P/  http://[::127.0.0.1]:P/
http://[64:ff9b::7f00:1]:P/  http://[2002:7f00:1::]:P/  http://[::ffff:0:127.0.0.1]:P/
http://①②⑦.⓪.⓪.①:P/  http://１２７.０.０.１:P/  http://127。0。0。1:P/  http://127．0．0．1:P/
http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:P/  http://%31%32%37.0.0.1:P/  http://127.0.0.1%00.example.com:P/
http://127.0.0.1%2f@x:P/  http://user@127.0.0.1:P/  http://user:pass@127.0.0.1:P/
http://example.com@127.0.0.1:P/  http://@127.0.0.1:P/  http://:@127.0.0.1:P/
http://127.0.0.1:P#@example.com/  http://127.0.0.1:P\\@example.com/
http://example.com\\@127.0.0.1:P/  http:127.0.0.1:P/  http:///127.0.0.1:P/  http:\\\\127.0.0.1:P/
//127.0.0.1:P/  127.0.0.1:P/  HTTP://127.0.0.1:P/  hTTps://127.0.0.1:P/  file:///etc/passwd
FILE:///etc/passwd  gopher://127.0.0.1:P/_x  ftp://127.0.0.1:P/  dict://127.0.0.1:P/
ws://127.0.0.1:P/  unix:///tmp/x  data:text/plain,x  javascript:1  http://  http://:P/
http://127.0.0.1:99999/  http://127.0.0.1:x/  http://[::1/
"""
INNER = """
0.0.0.1  10.0.0.1  10.255.255.255  100.64.0.1  100.127.255.255  127.0.0.1  169.254.169.254
169.254.170.2  172.16.0.1  172.31.255.255  192.0.0.1  192.0.2.1  192.88.99.1  192.168.0.1
198.18.0.1  198.51.100.1  203.0.113.1  224.0.0.1  239.255.255.255  240.0.0.1  255.255.255.255  ::
::1  ::ffff:10.0.0.1  ::ffff:8.8.8.8  ::10.0.0.1  64:ff9b::a00:1  64:ff9b:1::1  100::1  2001::1
2001:db8::1  2002:a00:1::1  fc00::1  fd00:ec2::254  fe80::1  fec0::1  ff02::1  ::ffff:0:127.0.0.1
4000::1  5f00::1  2001:2::1  3fff::1
"""


@pytest.fixture
async def there() -> AsyncIterator[Place]:
    async with place() as one:
        yield one


@pytest.fixture
async def out() -> AsyncIterator[Outbound]:
    async with open_outbound("") as one:
        yield one


async def refused(out: Outbound, url: str, *, follow: bool = False) -> HubError:
    """The refusal, after checking that nothing in it tells an address."""
    with pytest.raises((Invalid, Upstream)) as caught:
        await out.request("GET", url, seconds=5, follow=follow)
    words = "".join(traceback.format_exception_only(caught.value))
    assert not any(a in words for a in ("127.0.0.1", "::1", "10.0.0.1", "Errno")), words
    assert caught.value.__suppress_context__ or isinstance(caught.value, Invalid)
    assert "in time" not in words, "it was tried"
    return caught.value


@pytest.mark.parametrize("url", LOOPBACK.split())
async def test_no_spelling_of_loopback_is_reached(out: Outbound, there: Place, url: str) -> None:
    await refused(out, url.replace("P/", f"{there.port}/").replace(":P", f":{there.port}"))
    assert there.came == []


@pytest.mark.parametrize("address", INNER.split())
async def test_a_name_that_leads_inside_is_refused(
    out: Outbound, there: Place, address: str
) -> None:
    resolve_by(out, Names(address))
    await refused(out, f"http://innocent.example:{there.port}/")
    assert there.came == []


async def test_a_name_that_changes_its_answer_gains_nothing() -> None:
    """127.0.0.2 stands for a public address; what counts is the address that is connected to."""
    async with place(host="0.0.0.0") as there, open_outbound("127.0.0.2") as out:
        names = Names("127.0.0.2", "127.0.0.1")
        resolve_by(out, names)
        there.answers["/"] = lambda _: web.Response(headers={"Connection": "close"})
        url = f"http://rebinding.example:{there.port}/"
        assert (await out.request("GET", url)).status == 200
        await refused(out, url)
        assert len(names.asked) == 2 and len(there.came) == 1


async def test_none_of_several_inner_addresses_is_tried(out: Outbound, there: Place) -> None:
    class Both(Names):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return [r for a in self.addresses for r in await Names(a).resolve(host, port, family)]

    resolve_by(out, Both("127.0.0.1", "::1", "10.0.0.1"))
    await refused(out, f"http://mixed.example:{there.port}/")
    assert there.came == []


def test_addresses_of_the_internet_may_be_reached() -> None:
    guard = Guard("")
    assert all(
        guard.permits(ip_address(a))
        for a in ("8.8.8.8", "1.1.1.1", "149.154.167.220", "2606:4700:4700::1111")
    )
    assert not any(guard.permits(ip_address(a)) for a in INNER.split())


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:P/",
        "//127.0.0.1:P/",
        "http://localhost:P/",
        "http://[::1]:P/",
        "file:///etc/passwd",
        "http://0x7f000001:P/",
    ],
)
async def test_a_redirect_does_not_lead_inside(there: Place, target: str) -> None:
    async with place() as start, open_outbound(f"allowed.example:{start.port}") as out:
        resolve_by(out, Names("127.0.0.1"))
        start.redirects("/go", target.replace(":P", f":{there.port}"))
        await refused(out, f"http://allowed.example:{start.port}/go", follow=True)
        assert len(start.came) == 1 and there.came == []


@pytest.mark.parametrize("item", ["10.0.0.0/33", "a b", "http://x/y", "x/y"])
def test_an_allow_list_that_is_wrong_is_refused_at_the_start(item: str) -> None:
    with pytest.raises(Setup, match="HUB_OUTBOUND_ALLOW: .* is neither a host nor a network"):
        Guard(item)


@pytest.mark.parametrize(
    "url",
    [
        "http://allowed.example:P@evil.example:P/",
        "http://evil.example:P\\@allowed.example:P/",
        "http://evil.example:P#@allowed.example:P/",
        "http://allowed.example:P\\.evil.example:P/",
        "http://evil.example:P?@allowed.example:P/",
        "http://allowed.example\t.evil.example:P/",
        "http://allowed.example%2eevil.example:P/",
        "http://allowed.example。evil.example:P/",
        "http://evil.example:P/\n@allowed.example:P/",
        " http://evil.example:P/",
        "http://evil.example%40allowed.example:P/",
        "http://allowed.example%00.evil.example:P/",
    ],
)
async def test_no_other_name_rides_on_an_allowed_one(there: Place, url: str) -> None:
    async with open_outbound(f"allowed.example:{there.port}") as out:
        resolve_by(out, Names("127.0.0.1"))
        try:
            got: Reply | None = await out.request(
                "GET", url.replace(":P", f":{there.port}"), seconds=5
            )
        except (Invalid, Upstream):
            got = None
        assert {r.host for r in there.came} <= {f"allowed.example:{there.port}"}
        assert (got is not None) == bool(there.came)
