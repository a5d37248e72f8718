"""The manual over HTTP: every page answers, every link leads somewhere, the search finds, nothing hostile is obeyed."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import pytest

from hub.api.manual.chapters import LANGUAGES, choose, read, rendered, slug_of
from hub.api.manual.search import find, indexed
from hub.processes.init import manual
from tests.api.conftest import Answer, Api

NAMES = tuple(read().chapters["en"])
FOLDER = Path(__file__).parents[2] / "templates" / "manual"
IN_PORTUGUESE = ("start", "connect", "console", "outreach")


async def page(api: Api, path: str, status: int = 200, **headers: str) -> str:
    got = await api.call("GET", path, key="", headers=headers)
    assert got.status == status and got.headers["Content-Type"] == "text/html; charset=utf-8", path
    return str(got.body)


def heading(html: str) -> str:
    [found] = re.findall(r"<h1>(.*?)</h1>", html)
    return unescape(found)


def hits(html: str) -> list[str]:
    listed = html.partition('<ol class="hits">')[2].partition("</ol>")[0]
    return [unescape(title) for title in re.findall(r"<li><a [^>]*>(.*?)</a>", listed)]


async def test_every_chapter_answers_in_every_language(api: Api) -> None:
    for lang in LANGUAGES:
        index = await page(api, f"/manual?lang={lang}")
        for name in NAMES:
            html = await page(api, f"/manual/{name}?lang={lang}")
            chapter = read().chapters[lang][name]
            assert heading(html) == chapter.title and f'href="/manual/{name}?lang={lang}"' in index
            assert f'<a href="/manual/{name}?lang={lang}" aria-current="page">' in html
            for section in chapter.sections:
                assert html.count(f'id="{section.slug}"') == 1


async def test_chapters_come_in_the_order_a_business_needs_them(api: Api) -> None:
    index = await page(api, "/manual?lang=en")
    shown = re.findall(r'href="/manual/([a-z]+)\?', index.partition("<nav")[2].partition("</nav>")[0])
    assert shown == list(NAMES)
    assert [n for n in shown if n in IN_PORTUGUESE] == list(IN_PORTUGUESE)
    files = {f.name.split(".")[0] for f in FOLDER.glob("*.md")}
    assert files == set(NAMES), "a chapter that no index leads to"
    first, last = await page(api, f"/manual/{NAMES[0]}"), await page(api, f"/manual/{NAMES[-1]}")
    assert 'rel="next"' in first and 'rel="prev"' not in first
    assert 'rel="prev"' in last and 'rel="next"' not in last


async def test_all_links_and_pictures_lead_somewhere(api: Api) -> None:
    start = [f"/manual?lang={lang}" for lang in LANGUAGES] + ["/manual?q=console&lang=pt"]
    waiting, seen = list(start), dict[str, str]()
    wanted: set[tuple[str, str]] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        got = await api.call("GET", path, key="")
        assert got.status == (303 if path == "/console" else 200), path
        seen[path] = str(got.body)
        if not path.startswith("/manual") or path.endswith(".webp"):
            continue
        for target in re.findall(r'(?:href|src)="([^"]+)"', seen[path]):
            found = urlsplit(urljoin(path, unescape(target)))
            if found.scheme in ("http", "https", "data"):
                continue
            there = found.path + (f"?{found.query}" if found.query else "")
            waiting.append(there)
            if found.fragment:
                wanted.add((there, found.fragment))
    assert len([p for p in seen if p.endswith(".webp")]) >= 25
    assert {p for p in seen if p.startswith("/openapi/")} and "/apidocs" in seen
    assert [w for w in wanted if f'id="{w[1]}"' not in seen[w[0]]] == []


async def test_the_language_is_the_one_asked_for_then_the_browsers_then_english(api: Api) -> None:
    pt, en = read().chapters["pt"]["connect"].title, read().chapters["en"]["connect"].title
    for accepted, query, title in (
        ("", "", en), ("pt-BR,pt;q=0.9,en;q=0.8", "", pt), ("fr-FR,pt;q=0.5,en;q=0.4", "", pt), ("de", "", en),
        ("pt", "?lang=en", en), ("en", "?lang=pt", pt), ("pt", "?lang=xx", pt), ("pt;q=0,en;q=0.1", "", en),
        (";;;q=,,", "?lang=%3Cb%3E", en),
    ):
        got = await api.call("GET", f"/manual/connect{query}", key="", headers={"Accept-Language": accepted})
        assert heading(str(got.body)) == title, (accepted, query)
        assert f'<html lang="{"pt-BR" if title == pt else "en"}">' in got.body
        assert "Accept-Language" in got.headers["Vary"]


async def test_a_chapter_without_a_translation_says_so(api: Api) -> None:
    html = await page(api, "/manual/ares?lang=pt")
    assert "Este capítulo está em inglês." in html and '<article lang="en">' in html
    for name in IN_PORTUGUESE:
        html = await page(api, f"/manual/{name}?lang=pt")
        assert "Este capítulo está em inglês." not in html and "<article>" in html
    assert 'href="/manual/ares?lang=en" hreflang="en"' in await page(api, "/manual/ares?lang=pt")


@pytest.mark.parametrize(
    ("lang", "query", "first"),
    [
        ("en", "How do I connect Telegram?", "How do I connect Telegram?"),
        ("en", "TELEGRAM", "How do I connect Telegram?"),
        ("en", "reminder", "How do I let the bot send reminders?"),
        ("en", "take over", "How do I take a conversation over?"),
        ("pt", "Como conecto o WhatsApp pela Z-API?", "Como conecto o WhatsApp pela Z-API?"),
        ("pt", "rejeicao bot nao responde", "Por que o bot não responde?"),
        ("pt", "campanha", "Como envio uma campanha?"),
    ],
)
async def test_the_search_finds(api: Api, lang: str, query: str, first: str) -> None:
    html = await page(api, f"/manual?lang={lang}&q={quote(query)}")
    assert first in hits(html)[:3]
    assert f'value="{query}"' in unescape(html)


async def test_what_was_found_is_marked_and_leads_to_its_place(api: Api) -> None:
    html = await page(api, "/manual?lang=en&q=BotFather")
    assert "<mark>BotFather</mark>" in html
    assert 'href="/manual/connect?lang=en#how-do-i-connect-telegram"' in html
    assert "Nothing was found" in await page(api, "/manual?lang=en&q=xyzzyplugh")
    assert "Chapters" in await page(api, "/manual?lang=en&q=%20%20")


@pytest.mark.parametrize(
    "query",
    [
        '"><script>alert(1)</script>', "<img src=x onerror=alert(1)>", "' onfocus='alert(1)", "{{ 7*7 }}{% raw %}",
        "</title><script>", "%00\x00", "\U0001f600" * 3, "*" * 2000, "(" * 400 + "a+" * 50, "ﬁ İ ß \u202e", "a " * 900,
    ],
    ids=range(11),
)
async def test_a_hostile_question_is_only_text(api: Api, query: str) -> None:
    html = await page(api, f"/manual?lang=en&q={quote(query)}")
    assert "<script" not in html and "<img" not in html and "onfocus='" not in html and "49" not in heading(html)
    assert len(heading(html)) < 200


async def test_what_is_not_there_is_404_and_says_where_else(api: Api) -> None:
    for name in ("nothing", "Start", "start.en.md", "..%2F..%2Fhub", "%3Cb%3E", "index.toml", "%00"):
        html = await page(api, f"/manual/{name}", 404)
        assert "There is no such page" in html and 'href="/manual/start?lang=en"' in html and "<b>" not in html
    for name in ("nothing.webp", "..%2Findex.toml", "..%2f..%2fchat.html"):
        assert (await api.call("GET", f"/manual/pictures/{name}", key="")).status == 404
    assert heading(await page(api, "/manual/")) == heading(await page(api, "/manual"))


async def test_the_head_of_a_page_is_that_of_the_page(api: Api) -> None:
    picture = next(iter(read().pictures))
    for path in ("/manual", "/manual/start", "/manual?q=bot", f"/manual/pictures/{picture}"):
        got, head = [await api.call(m, path, key="") if m == "HEAD" else await raw(api, path) for m in ("GET", "HEAD")]
        assert (got.status, head.status) == (200, 200) and head.body == ""
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert (await api.call("HEAD", "/manual/nothing", key="")).status == 404
    assert (await api.call("POST", "/manual", key="")).status == 405


async def raw(api: Api, path: str) -> Answer:
    """A picture is no text."""
    async with api.http.get(api.url + path) as got:
        return Answer(got.status, await got.read(), got.headers)


async def test_pages_run_nothing_and_load_nothing_from_elsewhere(api: Api) -> None:
    for path in ("/manual", "/manual/screens", "/manual?q=bot"):
        got = await api.call("GET", path, key="")
        policy = dict(part.strip().split(" ", 1) for part in got.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["style-src"] == "'self'" and "script-src" not in policy
        assert policy["frame-ancestors"] == "'none'" and policy["form-action"] == "'self'"
        html = str(got.body)
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|(?:src|href)=\"https?:", html)
        assert got.headers["X-Content-Type-Options"] == "nosniff"
    sheet = re.findall(r'<link rel="stylesheet" href="([^"]+)"', str((await api.call("GET", "/manual", key="")).body))
    assert (await api.call("GET", sheet[0], key="")).headers["Content-Type"].startswith("text/css")
    picture = await raw(api, "/manual/pictures/console-home.webp")
    assert picture.headers["Content-Type"] == "image/webp" and picture.body[8:12] == b"WEBP"


async def test_the_manual_is_linked_from_the_api_and_links_it(api: Api) -> None:
    assert 'href="/manual"' in await page(api, "/apidocs")
    index = await page(api, "/manual")
    for target in ("/apidocs", "/openapi/aivax.json", "/openapi/ares.json", "/openapi/characters.json", "/console"):
        assert f'href="{target}"' in index


def test_markup_in_a_chapter_is_shown_and_not_obeyed() -> None:
    html, [section] = rendered("# A & <b>\n\n<script>x</script> [a](javascript:alert(1)) ![p](http://x/y.png)\n", "en")
    assert "<script>" not in html and 'href="javascript:' not in html and section.slug == "a-b"
    chapter = "# Wie\n\n## Wie\n\n[x](console.en.md#a) [y](ares.md)\n\n```\n# no\n```\n\n| a |\n|---|\n| b |\n"
    html, sections = rendered(chapter, "pt")
    assert [s.slug for s in sections] == ["wie", "wie-2"] and [s.level for s in sections] == [2, 3]
    assert 'href="/manual/console?lang=pt#a"' in html and 'href="/manual/ares?lang=pt"' in html
    assert '<div class="wide" tabindex="0"><table>' in html
    assert slug_of("???", set()) == "part" and slug_of("Ação!", {"acao", "acao-2"}) == "acao-3"


def test_a_long_list_of_languages_is_cut() -> None:
    assert choose("", ",".join(["xx"] * 5000 + ["pt"])) == "en"
    assert choose("", "pt") == "pt" and choose("", "PT-br;q=0.3, en;q=0.2") == "pt"


def test_half_of_the_words_must_be_met() -> None:
    index = indexed(read().chapters["en"].values())
    assert find(index, "telegram xyzzy plugh frobozz") == [] and find(index, "telegram xyzzy")
    assert find(index, "") == []


def test_the_demo_reads_the_chapters_of_all_languages() -> None:
    given = {g.name: g.tags for g in manual()}
    assert given["How do I connect Telegram?"] == ("en",) and given["Como conecto o Telegram?"] == ("pt",)
    assert given["¿Cómo conecto Telegram?"] == ("es",)
    shown = [c for lang in LANGUAGES for c in read().chapters[lang].values() if c.language == lang]
    assert set(given) <= {section.title for c in shown for section in c.sections}
