"""A visitor's own conversation, to read again, to print and to keep."""

from collections.abc import Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.api.chat import gone
from hub.api.http import transcripts
from hub.api.http.app_keys import HUB
from hub.chat.website import prompts as visits
from hub.chat.website import transcript
from hub.chat.website.culture import code, direction, labels, preferred
from hub.chat.website.transcript_files import Talk
from hub.errors import Invalid, TooMany, Unavailable
from hub.tools.schedule.book import zone_of

KINDS = ("txt", "json", "pdf")
# How often in a minute one conversation is printed, or read as a page: a long one costs seconds of a processor.
COSTLY, MINUTE = MappingProxyType({"pdf": 4, "": 10}), 60.0
POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src data:", "base-uri 'none'",
    "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
))
HEADERS: Mapping[str, str] = MappingProxyType({
    "Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
})


async def show(request: web.Request) -> web.StreamResponse:
    """GET /chat/{access key}/transcript?format=txt|json|pdf&zone=: without a format as a page."""
    hub, kind = request.app[HUB], request.query.get("format", "")
    if kind and kind not in KINDS:
        raise Invalid(f"format must be one of {', '.join(KINDS)}.", field="format")
    try:
        seen = await visits.visit(hub, request.match_info["key"])
    except Unavailable as e:
        return gone(request, e.status)
    zone = ZoneInfo(zone_of(request.query.get("zone") or "UTC", "zone"))
    lang = preferred(seen.parameters.get("languageCode"), request.headers.get("Accept-Language", ""))
    words, said = labels(lang), seen.metadata or {}
    name = said.get("name") or said.get("anon:name") or words["youLabel"]
    title = transcript.look(seen.parameters)["pageTitle"]
    talk = Talk(seen.session_id, seen.account_id, str(name)[:80], title, "Web", seen.created_at, zone, named=False)
    if kind in COSTLY:
        wait = await hub.limits.take(f"print {kind}", str(seen.session_id), COSTLY[kind], MINUTE)
        if wait > 0:
            raise TooMany("This conversation was printed just now; wait a little.", retry_after=wait)
    if kind:
        return await transcripts.sent(request, talk, kind, words)
    html = await transcripts.page(request, talk, words, lang=code(lang), dir=direction(lang))
    response = web.Response(text=html, content_type="text/html", headers=HEADERS)
    response.enable_compression()
    return response


def routes() -> list[web.RouteDef]:
    return [web.get("/chat/{key}/transcript", show)]
