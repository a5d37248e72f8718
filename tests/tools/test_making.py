"""What tools make for a person: images, documents, pages; and that none of it does harm."""

import base64
import io
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pypdf
import pytest
from aiohttp import web

from hub import ids
from hub.accounts.accounts import create_account
from hub.config import Settings
from hub.runtime import open_hub
from hub.store import files
from hub.tools.base import ToolFailed
from hub.tools.builtin import offered
from tests.tools.conftest import METADATA, Far, Place, named, use

Json = dict[str, Any]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
B64 = base64.b64encode(PNG).decode()


def tool(name: str, **options: Any) -> Any:
    return named(offered(["ImageGeneration", "GenerateDocument", "GenerateWebPage"], options))[name]


async def stored(place: Place, kept: Json) -> Json:
    row = await files.content(place.hub.db, place.account, UUID(kept["file_id"]))
    assert row is not None
    return row


async def test_images_go_to_the_person_and_words_to_the_model(place: Place, far: Far, settings: Settings) -> None:
    far.says("/img/pixel.png", PNG, mime="image/png")
    said = {"data": [{"b64_json": B64}, {"url": f"{far.url}/img/pixel.png"}, {"b64_json": B64}]}
    far.says("/img/images/generations", said, mime="application/json")
    async with open_hub(settings.changed(image_url=f"{far.url}/img/", image_key="ik-1", outbound_allow="")) as hub:
        there = Place(hub, place.account)
        made = await use(
            tool("generate_image", imageGenerationMaxResults=2, imageGenerationQuality="Medium"), there.context(),
            prompt="A red bicycle", count=2, shape="portrait",
        )
        asked = far.asked[0]
        assert asked.headers["Authorization"] == "Bearer ik-1"
        assert asked.json.pop("prompt").startswith("A red bicycle\n\nThe image must be suitable for all ages")
        assert {**asked.json, "prompt": ""} == {
            "model": "gpt-image-1", "prompt": "", "n": 2, "size": "1024x1536", "quality": "medium"
        }
        assert made.messages == () and B64 not in made.text and "2 image(s)" in made.text
        assert [f["media"] for f in made.files] == ["image", "image"]
        for one in made.files:
            row = await stored(there, one)
            assert (row["mime"], bytes(row["content"])) == ("image/png", PNG)
            assert one["file_id"] in made.text and f"https://hub.example/media/{one['token']}" in made.text
        assert made.billed[0]["quantity"] == 2 and made.billed[0]["sku"] == "inference.image_generation"


async def test_what_a_service_does_not_know_is_left_out(place: Place, far: Far, settings: Settings) -> None:
    async def picky(request: web.Request) -> web.Response:
        given = await request.json()
        if "quality" in given or given["size"] != "1024x1024":
            return web.json_response({"error": {"code": "unknown_parameter"}}, status=400)
        return web.json_response({"data": [{"b64_json": B64}]})

    far.answers["/images/generations"] = picky
    async with open_hub(settings.changed(image_url=far.url)) as hub:
        options = {
            "imageGenerationQuality": "Highest", "imageGenerationAllowMatureContent": True,
            "imageGenerationModelName": "flux",
        }
        made = await use(tool("generate_image", **options), Place(hub, place.account).context(), prompt="A", count=4)
        first, second = (a.json for a in far.asked)
        assert first == {
            "model": "flux", "prompt": "A", "n": 1, "size": "1536x1536", "quality": "high", "moderation": "low"
        }
        assert second == {"model": "flux", "prompt": "A", "n": 1, "size": "1024x1024"}
        assert len(made.files) == 1


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (400, {"error": {"code": "moderation_blocked", "message": "no"}}, "refused"),
        (500, {"error": {"message": "key ik-1"}}, "failed"),
        (200, {"data": []}, "failed"),
        (200, {"data": [{"b64_json": base64.b64encode(b"<svg onload=alert(1)>").decode()}]}, "failed"),
        (200, {"data": [{"url": METADATA}]}, "failed"),
        (200, "html", "failed"),
    ],
)
async def test_a_service_that_makes_no_image(
    place: Place, far: Far, settings: Settings, status: int, said: Any, words: str
) -> None:
    far.says("/images/generations", said, status, mime="application/json")
    async with open_hub(settings.changed(image_url=far.url, image_key="ik-1", outbound_allow="")) as hub:
        with pytest.raises(ToolFailed, match=words) as e:
            await use(tool("generate_image"), Place(hub, place.account).context(), prompt="A")
        assert "ik-1" not in str(e.value)


async def test_images_of_the_conversation_can_be_worked_from(place: Place, far: Far, settings: Settings) -> None:
    far.says("/images/edits", {"data": [{"b64_json": B64}]}, mime="application/json")
    far.says("/images/generations", {"data": [{"b64_json": B64}]}, mime="application/json")
    url = far.says("/photo.png", PNG, mime="image/png")
    assert "references" not in tool("generate_image").schema["properties"]
    async with open_hub(settings.changed(image_url=far.url)) as hub:
        there = Place(hub, place.account)
        make = tool("generate_image", imageGenerationAllowReferenceUsage=True)
        [kept] = (await use(make, there.context(), prompt="A")).files
        media = f"https://hub.example/media/{kept['token']}"
        await use(make, there.context(), prompt="B", references=[kept["file_id"], media, url])
        sent = far.asked[-1]
        assert sent.path == "/images/edits" and sent.headers["Content-Type"].startswith("multipart/form-data")
        assert sent.body.count(PNG) == 3 and b'name="prompt"' in sent.body and b'name="image[]"' in sent.body
        stranger = Place(hub, (await create_account(hub.db, "Boreal")).id).context()
        elsewhere = there.context(session_id=uuid4())
        for context, wanted, words in (
            (stranger, kept["file_id"], "no file"), (stranger, media, "no file"), (elsewhere, media, "no file"),
            (there.context(), METADATA, "cannot be reached"), (there.context(), "photo", "neither"),
            (there.context(), far.says("/text", "x"), "not an image"), (there.context(), far.url + "/no", "status 404"),
        ):
            with pytest.raises(ToolFailed, match=words):
                await use(make, context, prompt="C", references=[wanted])


EXTERNAL = """<html><head><title>T</title><link rel=stylesheet href="{0}/a.css"><base href="{0}/">
<style>@import url({0}/b.css); @font-face {{ font-family: x; src: url({0}/f.ttf) }}
p {{ background: url({0}/c.png); font-family: x; list-style-image: url({0}/l.png) }}
@page {{ background: url({0}/p.png) }}</style>
<script src="{0}/s.js"></script></head><body><p>Price list <img src="{0}/d.png"><img src="file:///etc/hostname">
<img src="//{1}/x.png"><img src="data:image/png;base64,{2}"></p>
<iframe src="{0}/i"></iframe><object data="{0}/o"></object>
<embed src="{0}/e"><video poster="{0}/v"></video><input type=image src="{0}/n"><table background="{0}/t"></table>
<svg><image href="{0}/g"/><image xlink:href="{0}/h"/><use href="{0}/u#a"/></svg></body></html>"""


async def test_a_document_is_a_pdf_and_fetches_nothing(place: Place, far: Far) -> None:
    html = EXTERNAL.format(far.url, far.url.removeprefix("http://"), B64)
    made = await use(tool("generate_document"), place.context(), title="Price list / 2026", html=html)
    assert far.asked == []
    [kept] = made.files
    row = await stored(place, kept)
    assert (row["name"], row["mime"], row["kind"]) == ("Price list 2026.pdf", "application/pdf", "pdf")
    read = pypdf.PdfReader(io.BytesIO(bytes(row["content"])))
    assert "Price list" in read.pages[0].extract_text() and read.metadata and read.metadata.title == "Price list / 2026"
    assert f"https://hub.example/hosted/{kept['token']}" in made.text and "30 days" in made.text


async def test_a_document_has_its_limits(place: Place) -> None:
    pages = "<div style='page-break-after: always'>x</div>" * 201
    with pytest.raises(ToolFailed, match="more than 200 pages"):
        await use(tool("generate_document"), place.context(), title="Long", html=pages)
    deep = "<div><table><tr><td>" * 20_000
    with pytest.raises(ToolFailed, match="cannot be printed|longer than|was stopped"):
        await use(tool("generate_document"), place.context(seconds=7), title="Deep", html=deep)


async def test_a_page_is_stored_as_it_is_and_expires(place: Place) -> None:
    made = await use(tool("generate_web_page"), place.context(), title="Menu", html="<h1>Menu</h1>")
    token = made.text.split("/hosted/")[1].split()[0]
    row = await files.hosted(place.hub.db, token)
    assert row and row.name == "Menu.html"
    assert [p async for p in files.read(place.hub.db, row, 0, row.size)] == [b"<h1>Menu</h1>"]
    assert made.files == ()
    async with place.hub.db.transaction() as tx:
        kept = await tx.value("select expires_at - now() from files where token = $1", token)
        assert timedelta(days=29) < kept <= timedelta(days=30)
        await tx.run("update files set expires_at = now() - interval '1 second' where token = $1", token)
    assert await files.hosted(place.hub.db, token) is None
    assert await files.purge(place.hub.db) == 1


async def test_a_received_document_is_never_shown_as_a_page(place: Place) -> None:
    token = ids.access_key()[4:]
    await files.add(
        place.hub.db, ids.uuid7(), place.account, None, None, token=token, name="x.html", mime="text/html",
        kind="document", sha256=b"x" * 32, content=b"<script>", seconds=60,
    )
    assert await files.hosted(place.hub.db, token) is None
