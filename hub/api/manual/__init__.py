"""The manual at `/manual`: rendered from the same Markdown that the demo answers from, searched without a script."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from aiohttp import web

from hub.api.http.app_keys import PAGES
from hub.api.http.families import FAMILIES
from hub.api.manual.chapters import HOME, LANGUAGES, Chapter, address, choose, read
from hub.api.manual.search import LONGEST, Index, find, indexed

POLICY = "; ".join((
    "default-src 'none'", "style-src 'self'", "img-src 'self' data:", "form-action 'self'", "base-uri 'none'",
    "frame-ancestors 'none'",
))
HEADERS = {
    "Content-Security-Policy": POLICY, "Cache-Control": "no-cache", "Vary": "Accept-Language, Accept-Encoding",
    "Referrer-Policy": "same-origin",
}


@lru_cache(maxsize=len(LANGUAGES))
def _index(lang: str) -> Index:
    return indexed(read().chapters[lang].values())


def _lang(request: web.Request) -> str:
    return choose(request.query.get("lang", ""), request.headers.get("Accept-Language", ""))


def _page(request: web.Request, status: int = 200, **values: Any) -> web.Response:
    lang, manual = _lang(request), read()
    shown: Mapping[str, Any] = {
        "chapter": None, "hits": None, "missing": False, "query": "", "before": None, "after": None,
        "lang": lang, "words": manual.words[lang], "chapters": list(manual.chapters[lang].values()),
        "address": address, "families": FAMILIES, "longest": LONGEST,
        "others": {one: manual.words[one]["name"] for one in LANGUAGES if one != lang}, **values,
    }
    html = request.app[PAGES].get_template("manual.html").render(**shown)
    response = web.Response(text=html, status=status, content_type="text/html", headers=HEADERS)
    response.enable_compression()
    return response


async def index(request: web.Request) -> web.Response:
    """GET /manual?q=&lang=: all chapters, or what was found."""
    query = request.query.get("q", "").strip()[:LONGEST]
    hits = find(_index(_lang(request)), query) if query else None
    return _page(request, hits=hits, query=query)


async def chapter(request: web.Request) -> web.Response:
    """GET /manual/{name}?lang="""
    chapters, name = read().chapters[_lang(request)], request.match_info["name"]
    found = chapters.get(name)
    if not name:
        return await index(request)
    if found is None:
        return _page(request, status=404, missing=True)
    before, after = _beside(list(chapters.values()), found)
    return _page(request, chapter=found, before=before, after=after)


def _beside(chapters: list[Chapter], one: Chapter) -> tuple[Chapter | None, Chapter | None]:
    around = [None, *chapters, None]
    place = around.index(one)
    return around[place - 1], around[place + 1]


async def picture(request: web.Request) -> web.StreamResponse:
    """GET /manual/pictures/{name}"""
    found = read().pictures.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    return web.FileResponse(found, headers={"Content-Type": "image/webp", "Cache-Control": "public, max-age=86400"})


def routes() -> list[web.RouteDef]:
    """The pages. They are made here, once: a chapter that cannot be read stops the start."""
    for lang in LANGUAGES:
        _index(lang)
    return [
        web.get(HOME, index),
        web.get(HOME + "/{name:[^/]*}", chapter),
        web.get(HOME + "/pictures/{name}", picture),
    ]
