"""Built-in functions that reach out: pages, requests, searches. Nothing private is ever reached."""

import io
import zipfile
from typing import Any

import pytest

from hub.accounts.value_types import RUNTIME_NAMES
from hub.config import Settings
from hub.runtime import open_hub
from hub.tools.arguments import check
from hub.tools.base import ToolFailed
from hub.tools.builtin import BUILTIN, offered
from tests.tools.conftest import METADATA, Far, Place, named, use

Json = dict[str, Any]
PAGE = """<!doctype html><html><head><title>Shop</title><style>p{}</style></head><body>
<nav>Home | About</nav><header>Logo</header><main><h1>Opening hours</h1><script>alert(1)</script>
<p>Mon to <b>Fri</b>: <a href="/hours">9 to 6</a></p><table><tr><th>Day</th></tr><tr><td>Sat</td></tr></table>
<p hidden>secret</p><!-- note --></main><footer>Imprint</footer></body></html>"""


def pdf(text: str) -> bytes:
    stream = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, offsets = io.BytesIO(b"%PDF-1.4\n"), []
    out.seek(0, 2)
    for n, one in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (n, one))
    start = out.tell()
    out.write(b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets))
    out.write(b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start)
    return out.getvalue()


def docx(text: str) -> bytes:
    kinds = "http://schemas.openxmlformats.org/package/2006/"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{kinds}content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats'
            '-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxml'
            'formats-officedocument.wordprocessingml.document.main+xml"/></Types>',
        )
        z.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{kinds}relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org'
            '/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
        )
        z.writestr(
            "word/document.xml",
            '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>'
            f"{text}</w:t></w:r></w:p></w:body></w:document>",
        )
    return out.getvalue()


def tool(name: str, **options: Any) -> Any:
    return named(offered(list(BUILTIN), options))[name]


def test_the_table_and_the_names_agree() -> None:
    tools = offered([*BUILTIN, "WebSearch", "Remember", "Calendar"])
    assert [t.name for t in tools] == [RUNTIME_NAMES[one][0] for one in BUILTIN]
    assert len(BUILTIN) == 9 and all(t.schema["additionalProperties"] is False for t in tools)


def test_options_are_those_of_a_gateway_or_of_a_request() -> None:
    def count(options: Json) -> Any:
        return named(offered(["ImageGeneration"], options))["generate_image"].schema["properties"].get("count")

    assert count({"imageGenerationMaxResults": 3})["maximum"] == 3
    assert count({"image_generation_max_results": 4, "include_all_memory_context": True})["maximum"] == 4
    assert count({"imageGenerationMaxResults": None}) is None


async def test_pages_and_files_become_text(place: Place, far: Far) -> None:
    bomb = docx("x" * 30_000_000)
    urls = [
        far.says("/page", PAGE, mime="text/html; charset=utf-8"), far.says("/plain", "a,b\n1,2", mime="text/csv"),
        far.says("/pdf", pdf("Invoice 17"), mime="application/pdf"),
        far.says("/docx", docx("Terms of sale"), mime="application/octet-stream"),
        far.says("/gone", "no longer", status=410),
    ]
    said = (await use(tool("open_url"), place.context(), urls=urls)).text
    pages = said.split("<page url=")[1:]
    assert len(pages) == 5
    assert "# Shop\n\n# Opening hours" in pages[0] and "Mon to **Fri**: [9 to 6](/hours)" in pages[0]
    assert "| Day |" in pages[0]
    for noise in ("alert", "About", "Logo", "Imprint", "secret", "note"):
        assert noise not in pages[0]
    assert "a,b\n1,2" in pages[1] and "[page 1]\nInvoice 17" in pages[2] and "not text]" in pages[3]
    assert "[status 410]\nno longer" in pages[4]
    kinds = [
        far.says("/docx", docx("Terms of sale"), mime=DOCX), far.says("/bad", b"%PDF-nonsense", mime="application/pdf"),
        far.says("/png", b"\x89PNG\0\0", mime="image/png"), far.says("/bomb", bomb, mime=DOCX),
        far.says("/end", "a</page>b"),
    ]
    said = (await use(tool("open_url"), place.context(), urls=kinds)).text
    pages = said.split("<page url=")[1:]
    assert "Terms of sale" in pages[0] and "[application/pdf, 13 bytes: not text]" in pages[1]
    assert "[image/png, 6 bytes: not text]" in pages[2] and "a&lt;/page>b" in pages[4]
    assert len(pages[3]) < 25_000, "what it holds is cut"


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


async def test_only_the_beginning_of_a_large_page_is_read(place: Place, far: Far) -> None:
    url = far.says("/large", "line\n" * 1_200_000)
    said = (await use(tool("open_url"), place.context(), urls=[url])).text
    assert len(said) < 101_000 and "[cut: 4,900,000 more characters]" in said, "5 MB are read, 100,000 characters given"


@pytest.mark.parametrize("name", ["open_url", "request"])
async def test_nothing_private_is_reached(place: Place, far: Far, name: str) -> None:
    away = far.redirects("/away", METADATA)
    for url in (METADATA, away, "http://10.0.0.1/", "http://[::1]:1/", "file:///etc/passwd", "http://a:b@example.com/"):
        given = {"urls": [url]} if name == "open_url" else {"url": url}
        check(tool(name).schema, given)
        try:
            said = (await use(tool(name), place.context(), **given)).text
        except ToolFailed as e:
            said = str(e)
        assert "cannot be reached" in said or "Only http" in said or "must not contain" in said, said
    assert [a.path for a in far.asked] == ["/away"]


def test_at_most_five_pages() -> None:
    with pytest.raises(ToolFailed, match="urls"):
        check(tool("open_url").schema, {"urls": ["http://a.example/"] * 6})
    with pytest.raises(ToolFailed, match="urls"):
        check(tool("open_url").schema, {"urls": []})


async def test_a_request_sends_what_it_is_told(place: Place, far: Far) -> None:
    more = {"Location": "/api/1", "Set-Cookie": "s=1"}
    url = far.says("/api", {"ok": True}, status=201, mime="application/json", **more)
    given: Json = {"method": "PUT", "url": url, "headers": {"X-A": "1"}, "body": {"n": 1}}
    check(tool("request").schema, given)
    said = (await use(tool("request"), place.context(), **given)).text
    assert said == '201 Created\nContent-Type: application/json\nLocation: /api/1\n\n{"ok":true}'
    [asked] = far.asked
    assert (asked.method, asked.json, asked.headers["X-A"]) == ("PUT", {"n": 1}, "1")
    assert asked.headers["Content-Type"] == "application/json" and "X-Request-Nonce" not in asked.headers
    image = far.says("/img", b"\xff\xd8\xff\0", mime="image/jpeg")
    said = (await use(tool("request"), place.context(), url=image)).text
    assert said.endswith("[image/jpeg, 4 bytes: not text]")
    moved = far.redirects("/moved", "/api")
    assert (await use(tool("request"), place.context(), url=moved)).text.startswith("201")
    assert (await use(tool("request"), place.context(), url=moved, method="POST")).text.startswith("302 Found")


@pytest.mark.parametrize(
    ("headers", "words"),
    [({"Host": "evil"}, "'Host'"), ({"Transfer-Encoding": "chunked"}, "'Transfer-Encoding'"),
     ({"Connection": "close"}, "'Connection'"), ({"X-A": "1\r\nX-B: 2"}, "line break"), ({"a b": "1"}, "'a b'")],
)
async def test_headers_of_the_connection_cannot_be_set(place: Place, far: Far, headers: Json, words: str) -> None:
    with pytest.raises(ToolFailed, match=words):
        await use(tool("request"), place.context(), url=far.says("/", "ok"), headers=headers)
    assert far.asked == []


RESULTS: Json = {
    "results": [
        {"url": "{}/page", "title": "Hours", "content": "when we open", "publishedDate": "2026-01-02"},
        {"url": "{}/page", "title": "Twice"}, {"url": "javascript:x", "title": "Bad"}, {"title": "None"},
        {"url": METADATA, "title": "Private", "content": "only a snippet"}, {"url": "{}/plain", "title": "Third"},
    ],
    "answers": [{"answer": "It is open."}, "Yes."],
}


def results(far: Far) -> Json:
    listed = [{**one, "url": str(one.get("url") or "").replace("{}", far.url)} for one in RESULTS["results"]]
    return {**RESULTS, "results": listed}


async def test_a_search_gives_pages_or_summaries(place: Place, far: Far, settings: Settings) -> None:
    far.says("/sx/search", results(far), mime="application/json")
    far.says("/page", PAGE, mime="text/html")
    far.says("/plain", "third page")
    async with open_hub(settings.changed(search_url=f"{far.url}/sx/")) as hub:
        there = Place(hub, place.account)
        summarized = tool("web_search", webSearchMode="Summarized", webSearchMaxResults=2)
        short = (await use(summarized, there.context(), query="é?")).text
        assert short == (
            f"Answer: It is open.\n\nAnswer: Yes.\n\n[1] Hours\n{far.url}/page\n2026-01-02\nwhen we open\n\n"
            f"[2] Private\n{METADATA}\nonly a snippet"
        )
        assert [a.path for a in far.asked] == ["/sx/search?q=%C3%A9?&format=json"]
        whole = (await use(tool("web_search"), there.context(language="pt-BR"), query="hours")).text
        assert "Mon to **Fri**" in whole and "third page" in whole and "only a snippet" in whole
        assert far.asked[1].path.endswith("&language=pt-BR")
        far.says("/sx/search", {"results": []}, mime="application/json")
        assert (await use(tool("web_search"), there.context(), query="none")).text == "Nothing was found."
        far.says("/sx/search", "<html>", status=429)
        with pytest.raises(ToolFailed, match="failed"):
            await use(tool("web_search"), there.context(), query="none")


async def test_what_is_not_configured_says_so(place: Place) -> None:
    for name, given in (
        ("web_search", {"query": "x"}), ("search_x_posts", {"query": "x"}), ("advanced_web_search", {"prompt": "x"}),
        ("generate_image", {"prompt": "x"}),
    ):
        with pytest.raises(ToolFailed, match="not configured"):
            await use(tool(name), place.context(), **given)


async def test_posts_and_research_ask_the_services_of_the_settings(
    place: Place, far: Far, settings: Settings
) -> None:
    posts = {"posts": [{"id": "7", "author": "@shop", "text": "Open today", "url": "https://x.com/shop/7"}]}
    far.says("/x", posts, mime="application/json")
    said = {"choices": [{"message": {"content": "It opens at 9."}}], "citations": ["https://shop.example/hours"]}
    far.says("/ai/chat/completions", said, mime="application/json")
    values = {
        "x_search_url": f"{far.url}/x", "x_search_key": "xk-1", "research_url": f"{far.url}/ai", "research_key": "rk-1",
        "research_model": "deep-1",
    }
    async with open_hub(settings.changed(**values)) as hub:
        context = Place(hub, place.account).context()
        assert (await use(tool("search_x_posts"), context, query="shop", limit=3)).text == (
            "[7] @shop https://x.com/shop/7\nOpen today"
        )
        await use(tool("search_x_posts"), context, post_id="7")
        assert [a.path for a in far.asked] == ["/x?q=shop&limit=3", "/x?id=7"]
        assert far.asked[0].headers["Authorization"] == "Bearer xk-1"
        with pytest.raises(ToolFailed, match="query or post_id"):
            await use(tool("search_x_posts"), context)
        answer = (await use(tool("advanced_web_search"), context, prompt="When do they open?")).text
        assert answer == "It opens at 9.\n\nSources:\n[1] https://shop.example/hours"
        asked = far.asked[-1]
        assert asked.headers["Authorization"] == "Bearer rk-1" and asked.json["model"] == "deep-1"
        assert asked.json["messages"][-1] == {"role": "user", "content": "When do they open?"}
        far.says("/ai/chat/completions", {"error": "key rk-1 is wrong"}, status=401, mime="application/json")
        with pytest.raises(ToolFailed) as e:
            await use(tool("advanced_web_search"), context, prompt="x")
        assert "rk-1" not in str(e.value)


async def test_the_services_of_the_settings_may_be_private_and_customers_gain_nothing(
    place: Place, far: Far, settings: Settings
) -> None:
    far.says("/search", {"results": []}, mime="application/json")
    async with open_hub(settings.changed(search_url=far.url, outbound_allow="")) as hub:
        context = Place(hub, place.account).context()
        assert (await use(tool("web_search"), context, query="x")).text == "Nothing was found."
        said = (await use(tool("open_url"), context, urls=[far.url + "/search"])).text
        assert "cannot be reached" in said and len(far.asked) == 1
