"""A business account's templates, as Meta lists them: for Kapso and for Meta itself."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from channels.http import Answer
from channels.loose import obj, objs, text
from channels.templates import MEDIA, MOST, Button, Template

Json = dict[str, Any]
FIELDS = "name,language,status,category,components,quality_score,rejected_reason,parameter_format"
PAGE, PAGES = 100, 40  # Meta may give fewer at a time
# Parts that need more than values.
ODD = {
    "carousel": "a carousel", "limited_time_offer": "a limited offer", "order_details": "an order", "mpm": "products",
    "spm": "a product", "call_permission_request": "a request for calls",
}
LONGEST = 5000


async def listing(get: Callable[[str], Awaitable[Answer]], account: str) -> list[Template]:
    """All pages, as far as they go. get: a call of a path below the version's."""
    path = f"{quote(account, safe='')}/message_templates?fields={FIELDS}&limit={PAGE}"
    after, found = "", list[Template]()
    for _ in range(PAGES):
        body = obj((await get(path + after)).body)
        found += [one for given in objs(body.get("data")) if (one := read(given)) is not None]
        paging = obj(body.get("paging"))
        cursor = text(obj(paging.get("cursors")).get("after"))
        if not cursor or not paging.get("next") or len(found) >= MOST:
            break
        after = f"&after={quote(cursor, safe='')}"
    return found[:MOST]


def read(given: Json) -> Template | None:
    """One template; None where it has no name."""
    name, language = text(given.get("name")), text(given.get("language"))
    if not name or not language:
        return None
    parts = {(text(p.get("type")) or "").lower(): p for p in objs(given.get("components"))}
    header = parts.get("header", {})
    kind = (text(header.get("format")) or "").lower()
    rows = objs(parts.get("buttons", {}).get("buttons"))
    buttons = tuple(_button(b) for b in rows)
    return Template(
        name=name[:512], language=language[:20], status=(text(given.get("status")) or "UNKNOWN").upper()[:40],
        category=(text(given.get("category")) or "")[:40], reason=(text(given.get("rejected_reason")) or "")[:200],
        quality=(text(obj(given.get("quality_score")).get("score")) or "").upper()[:20],
        header=kind, header_text=(text(header.get("text")) or "")[:200],
        body=(text(parts.get("body", {}).get("text")) or "")[:LONGEST],
        footer=(text(parts.get("footer", {}).get("text")) or "")[:200], buttons=buttons,
        named=(text(given.get("parameter_format")) or "").upper() == "NAMED", odd=_odd(kind, [*parts, *(
            b.kind for b in buttons)]),
    )


def _button(given: Json) -> Button:
    kind = (text(given.get("type")) or "").lower()
    url = text(given.get("url")) or ""
    # One-time passwords are a button whose code is given like an address's ending.
    return Button(kind, (text(given.get("text")) or "")[:100], url or ("{{1}}" if kind == "otp" else ""))


def _odd(header: str, kinds: list[str]) -> str:
    if header and header not in (*MEDIA, "text"):
        return f"a {header} as its header"
    return next((words for kind, words in ODD.items() if kind in kinds), "")
