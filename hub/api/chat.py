"""The hosted chat page: by a session's key, by a chat client's id, and for browsers without scripts."""

import re
import secrets
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import orjson
from aiohttp import web
from markupsafe import Markup

from hub.api.http import bounded, cookies
from hub.api.http.app_keys import HUB, INTAKE, PAGES
from hub.api.http.client_address import limit_entry
from hub.chat.clients.styles import is_origin
from hub.chat.website import prompts as visits
from hub.chat.website import transcript
from hub.chat.website import visitors as web_visitors
from hub.chat.website.culture import code, direction, labels, preferred
from hub.chat.website.visitors import Asked
from hub.errors import HubError, NotFound, Unavailable
from hub.store import messages, web_sessions
from hub.store.web_sessions import Visit

Json = dict[str, Any]
MICROPHONE = "microphone=(self), camera=(), geolocation=(), payment=()"
LONGEST = 20_000
FORM = 256 << 10  # of as many characters, encoded
# What the page's script says; the rest is in the document already.
SPOKEN = (
    "retry", "copy", "error", "stopped", "you", "thanks", "good", "bad", "listen", "remove", "offline", "person",
    "rate", "bot",
)
# What it says of a refusal, by its code or status; other words are those of the API.
REFUSALS = {"413": "large", "415": "kind", "422": "gone", "429": "limit", "handoff": "person"}
ACCEPT = {
    "image": "image/*", "audio": "audio/*",
    "document": "text/*,application/pdf,application/json,.docx,.xlsx,.pptx,.odt,.epub",
}
_FOREIGN = re.compile(r"@import|url\s*\(\s*['\"]?\s*(?!data:image/)|expression\s*\(|image-set|<|\\", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://[a-z0-9.:\[\]-]{1,255}", re.IGNORECASE)


async def by_key(request: web.Request) -> web.Response:
    """GET /chat/{access key}: the conversation of one session (`talkUrl`)."""
    key = request.match_info["key"]
    try:
        seen = await visits.visit(request.app[HUB], key)
    except Unavailable:
        return gone(request, 422)
    return await _page(request, seen.client_id, seen.parameters, key, seen)


async def by_client(request: web.Request) -> web.Response:
    """GET /c/{web chat id}: the conversation that this browser has with a chat client, or an empty one."""
    hub = request.app[HUB]
    try:
        door = await web_visitors.door(hub, _id(request))
    except HubError as e:
        return gone(request, e.status)
    # `i`: the site will say who this is; until then nobody's conversation is shown.
    key = None if "i" in request.query else cookies.read(request, door.client_id)
    seen = await web_visitors.remembered(hub, door, key)
    return await _page(request, door.client_id, door.parameters, key if seen else None, seen)


def _id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["id"])
    except ValueError:
        raise NotFound("No such chat client.") from None


async def posted(request: web.Request) -> web.Response:
    """POST /chat/{access key} or /c/{web chat id}: a message from a browser without scripts, and its answer."""
    hub, named = request.app[HUB], request.match_info.get("key")
    key, form = named, await bounded.urlencoded(request, FORM)
    text = next((t.strip() for t in reversed(form.get("text", [])) if t.strip()), "")
    seen: Visit | None = None
    try:
        key = key or await _entered(request, form)
        seen = await visits.visit(hub, key, talk=True)
        if text:
            await visits.prompt(hub, request.app[INTAKE], seen, [{"text": text[:LONGEST]}])
    except HubError as e:
        if e.code == "pre_chat":
            door = await web_visitors.door(hub, _id(request))
            return await _page(request, door.client_id, door.parameters, None, None, refused=e)
        if seen is None or key is None:
            return gone(request, e.status)
        return await _page(request, seen.client_id, seen.parameters, key, seen, refused=e)
    host = f"?o={quote(request.query['o'], safe='')}" if "o" in request.query else ""
    response = web.Response(status=303, headers={"Location": f"/chat/{key}{host}#end"})
    # A form of another site must not decide which conversation this browser comes back to.
    if named is None and cookies.own(request):
        cookies.write(request, response, seen.client_id, key)
    return response


async def _entered(request: web.Request, form: dict[str, list[str]]) -> str:
    """A new session, for who comes without one. Another site's form opens none."""
    hub = request.app[HUB]
    door = await web_visitors.door(hub, _id(request))
    web_visitors.check_origin(door, request.headers.get("Origin"), request.host)
    await limit_entry(request)
    said = {f["name"]: form.get(f"pre_{f['name']}", [""])[-1] for f in door.parameters.get("preChat") or ()}
    return (await web_visitors.enter(hub, door, Asked(attributes=said))).access_key


async def scripts(request: web.Request) -> web.Response:
    """GET /c/{web chat id}/scripts: a business's own script, in a sandbox of the page.

    It has an origin of its own that no page shares: it sees no conversation, no cookie and no key. It may load
    and call what it likes over https, and put a draft into the visitor's input: `parent.postMessage({draft:
    "text"}, document.referrer)`.
    """
    if request.headers.get("Sec-Fetch-Dest") == "document":
        raise NotFound("This is a part of the chat's page, and nothing on its own.")
    door = await web_visitors.door(request.app[HUB], _id(request))
    code = door.parameters.get("customScripts") or ""
    policy = (
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' https:; connect-src https:; "
        f"img-src https: data:; frame-ancestors {ancestors(door.parameters)}"
    )
    html = f"<!doctype html><meta charset=utf-8><title>-</title><script>{code}</script>"
    return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": policy})


def ancestors(parameters: Json) -> str:
    """Who may embed the page."""
    allowed = parameters.get("allowedFrameOrigins") or []
    return " ".join(["'self'", *(o for o in allowed if is_origin(o))]) if allowed else "*"


def styles(custom: str | None) -> str:
    """A business's own styles, unless they try to leave the style element or load from elsewhere."""
    return "" if not custom or _FOREIGN.search(custom) else custom


def gone(request: web.Request, status: int) -> web.Response:
    lang = preferred(None, request.headers.get("Accept-Language", ""))
    return _sent(request, "gone.html", {"lang": lang, "words": labels(lang)}, status, {}, None)


async def _page(
    request: web.Request, client: UUID, p: Json, key: str | None, seen: Visit | None, refused: HubError | None = None
) -> web.Response:
    look = transcript.look(p)
    lang = preferred(p.get("languageCode"), request.headers.get("Accept-Language", ""))
    words = labels(lang)
    said, after = await _said(request, seen, look["showToolCalls"]) if seen else ([], 0)
    host = request.query.get("o", "")
    host = host if _ORIGIN.fullmatch(host) else ""
    data = {
        "id": str(client), "key": key, "after": after, "host": host, "audio": look["audioSynthesisEnabled"],
        "split": bool(p.get("splitAnswerIntoMessageChunks")), "person": bool(seen and seen.handoff),
        "sound": p.get("widgetSound", True),
        "words": {n: words[f"{n}Label"] for n in SPOKEN} | {c: words[f"{n}Label"] for c, n in REFUSALS.items()},
    }
    values = {
        "lang": lang, "words": words, "p": look, "said": said, "client": client, "key": key, "host": host,
        "title": look["pageTitle"], "hello": look["helloLabel"] or words["helloLabel"],
        "hello_sub": look["helloSubLabel"] or words["helloSubLabel"],
        "placeholder": look["textAreaPlaceholder"] or words["inputPlaceholder"],
        "accept": "" if look["uploadUnsupportedFiles"] else ",".join(ACCEPT[m] for m in look["inputModes"][1:]),
        "typing": p.get("visitorTyping") or "hidden",
        "pre": p.get("preChat") if not key and "i" not in request.query else None,
        **await web_sessions.ways(request.app[HUB].db, client),
        "styles": Markup(styles(look["customStyles"])), "data": _json(data), "refused": str(refused or ""),
    }
    return _sent(request, "chat.html", values, refused.status if refused else 200, p, look["logoImageUrl"])


async def _said(request: web.Request, seen: Visit, tools: bool) -> tuple[list[Json], int]:
    """Messages so far, those that wait for an answer too, and the position from which events go on."""
    hub = request.app[HUB]
    rows = await messages.newest(hub.db, seen.account_id, seen.session_id)
    waiting = await messages.unanswered(hub.db, seen.account_id, seen.session_id)
    known = {r["id"] for r in rows}
    shown = transcript.visible([*rows, *(w for w in waiting if w["id"] not in known)], hub.settings.address, tools)
    return shown, rows[-1]["position"] if rows else 0


def _json(data: Json) -> Markup:
    """JSON inside an element of the page: nothing in it can end the element."""
    text = orjson.dumps(data).decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _sent(
    request: web.Request, template: str, values: Json, status: int, parameters: Json, logo: str | None
) -> web.Response:
    nonce, lang = secrets.token_urlsafe(16), values["lang"]
    html = request.app[PAGES].get_template(template).render(
        **values, nonce=nonce, code=code(lang), dir=direction(lang)
    )
    logo_origin = "{0.scheme}://{0.netloc}".format(urlsplit(logo)) if logo else ""
    logo_origin = logo_origin if is_origin(logo_origin) else ""
    policy = "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "connect-src 'self'",
            f"img-src 'self' data: blob: {logo_origin}".strip(),
            "media-src 'self' blob:",
            "frame-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {ancestors(parameters)}",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
    headers = {
        "Content-Security-Policy": policy, "Cache-Control": "no-store", "Permissions-Policy": MICROPHONE,
        # A form of the page itself must say where it comes from; other sites learn nothing.
        "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex",
    }
    response = web.Response(text=html, status=status, content_type="text/html", headers=headers)
    response.enable_compression()
    return response


def routes() -> list[web.RouteDef]:
    return [
        web.get("/chat/{key}", by_key), web.post("/chat/{key}", posted),
        web.get("/c/{id}", by_client), web.post("/c/{id}", posted), web.get("/c/{id}/scripts", scripts),
    ]
