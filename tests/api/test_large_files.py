"""Files that are kept in pieces: given whole or in part, written once, and gone with their conversation."""

import base64
import hashlib
import os
from uuid import UUID, uuid4

import pytest

from hub import ids
from hub.accounts import audit
from hub.chat.operators import erasure
from hub.store import files
from hub.store.db import Db
from hub.store.files import LARGE, PIECE
from tests.api.chatting import visiting
from tests.api.conftest import Api

SIZES = (0, 1, LARGE, LARGE + 1, 3 * PIECE, 3 * PIECE + 17)


async def kept(api: Api, raw: bytes, session: UUID | None = None, mime: str = "application/pdf") -> tuple[UUID, str]:
    id, token = ids.uuid7(), ids.access_key()[4:]
    await files.add(
        api.hub.db, id, api.account, session, None, token=token, name="big.pdf", mime=mime, kind="document",
        sha256=hashlib.sha256(raw).digest(), content=raw, seconds=None,
    )
    return id, token


async def pieces(db: Db, id: UUID) -> int:
    return int(await db.value("select count(*) from file_pieces where file_id = $1", id))


async def got(api: Api, token: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    async with api.http.get(f"{api.url}/media/{token}", headers=headers) as answer:
        return answer.status, await answer.read(), dict(answer.headers)


async def test_what_was_kept_is_given_whole_however_large(api: Api) -> None:
    for size in SIZES:
        raw = os.urandom(size)
        id, token = await kept(api, raw)
        assert await pieces(api.hub.db, id) == (-(-size // PIECE) if size > LARGE else 0)
        whole = await files.content(api.hub.db, api.account, id)
        assert whole is not None and bytes(whole["content"]) == raw
        assert await files.content(api.hub.db, uuid4(), id) is None, "another account has no such file"
        status, body, headers = await got(api, token)
        assert (status, body, headers["Content-Length"]) == (200, raw, str(size))
        assert headers["Accept-Ranges"] == "bytes"


RANGES = {
    "bytes=0-0": (0, 1), "bytes=0-": (0, None), "bytes=5-9": (5, 10), "bytes=-7": (-7, None),
    "bytes=-99999999": (0, None),
    f"bytes={PIECE - 1}-{PIECE}": (PIECE - 1, PIECE + 1), f"bytes={PIECE}-": (PIECE, None),
    f"bytes=3-{3 * PIECE}": (3, 3 * PIECE + 1), "bytes=7-99999999": (7, None),
}


async def test_a_part_is_given_where_one_is_asked_for(api: Api) -> None:
    """Of a file in pieces and of one that is whole in its row."""
    for size in (3 * PIECE + 17, 900):
        raw = os.urandom(size)
        _, token = await kept(api, raw)
        for wanted, (start, end) in RANGES.items():
            wished = raw[start:end]
            status, body, headers = await got(api, token, Range=wanted)
            if not wished:
                assert (status, headers["Content-Range"]) == (416, f"bytes */{size}"), wanted
                continue
            assert (status, body) == (206, wished), wanted
            first = range(size)[start]
            assert headers["Content-Range"] == f"bytes {first}-{first + len(wished) - 1}/{size}", wanted
        for wanted in ("bytes=9-5", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", ""):
            status, body, _ = await got(api, token, Range=wanted)
            assert status in (200, 416) and (body == raw or status == 416), wanted
        assert (await got(api, token, Range="bytes=0-4", **{"If-Range": '"x"'}))[0] == 200
        async with api.http.head(f"{api.url}/media/{token}") as head:
            assert (head.status, head.headers["Content-Length"], await head.read()) == (200, str(size), b"")


async def test_it_is_written_once_and_whole_or_not_at_all(api: Api) -> None:
    raw = os.urandom(2 * LARGE)
    id, _ = await kept(api, raw)
    db = api.hub.db
    given = {"token": "other", "name": "n", "mime": "m", "kind": "document", "sha256": b"", "seconds": None}
    await files.add(db, id, api.account, None, None, content=os.urandom(2 * LARGE), **given)  # type: ignore[arg-type]  # one dict of several types
    whole = await files.content(db, api.account, id)
    assert whole is not None and bytes(whole["content"]) == raw, "the same file again changes nothing"
    other = uuid4()
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await files.add(tx, other, api.account, None, None, content=raw, **given)  # type: ignore[arg-type]  # as above
            raise ZeroDivisionError
    assert await files.content(db, api.account, other) is None and await pieces(db, other) == 0


async def test_it_goes_with_its_person_and_is_given_out_with_them(api: Api) -> None:
    async with visiting(api, inputModes=["Image", "Document"]) as me:
        raw = b"%PDF-1.7 " + os.urandom(2 * LARGE)
        sent = await me.upload(raw, "application/pdf", "big.pdf")
        assert sent.status == 200, sent.body
        id = UUID(sent.body["id"])
        assert await pieces(api.hub.db, id) == 5
        await api.hub.db.run(
            "update sessions set tag = 'ana-1' from files f where f.session_id = sessions.id and f.id = $1", id
        )
        who = await erasure.by_name(api.hub, api.account, user="ana-1")
        lines = b"".join([line async for line in erasure.export(api.hub, api.account, who)])
        assert base64.b64encode(raw) in lines.replace(b"\\n", b"")
        await erasure.erase(api.hub, api.account, audit.HUB, who)
        assert await pieces(api.hub.db, id) == 0
