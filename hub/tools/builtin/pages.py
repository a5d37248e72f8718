"""`open_url`: read pages and files."""

import asyncio

from hub.domain import Json
from hub.errors import HubError
from hub.tools import fetched_text
from hub.tools.base import Context, Result, Tool, schema
from hub.tools.builtin.common import Options, text
from hub.tools.untrusted_text import fenced

MOST, LARGEST, SECONDS = 5, 5_000_000, 20.0
LONGEST = 100_000  # characters of all pages together
AGENT = {"User-Agent": "Mozilla/5.0 (compatible; chathub)", "Accept": "text/html,text/*;q=0.9,*/*;q=0.5"}
SCHEMA = schema(
    ["urls"],
    urls={
        "type": "array", "minItems": 1, "maxItems": MOST, "items": text("An address with http:// or https://."),
        "description": f"Up to {MOST} addresses.",
    },
)


def open_url(_: Options) -> Tool:
    text = "Opens web pages and files (HTML, text, PDF, DOCX) and gives their text."
    return Tool("open_url", text, SCHEMA, _open, effect=False)


async def _open(context: Context, arguments: Json) -> Result:
    urls = list(dict.fromkeys(arguments["urls"]))[:MOST]
    pages = await asyncio.gather(*(page(context, url, LONGEST // len(urls)) for url in urls))
    return Result("\n\n".join(block(url, text) for url, text in zip(urls, pages, strict=True)))


def block(url: str, text: str) -> str:
    """A page as data; it cannot end the block it stands in."""
    return fenced("page", text, {"url": url})


async def page(context: Context, url: str, longest: int, largest: int = LARGEST) -> str:
    """The text at an address, or why there is none."""
    try:
        reply = await context.hub.outbound.request(
            "GET", url, headers=AGENT, seconds=min(SECONDS, context.left), limit=largest, follow=True, cut=True
        )
    except HubError as e:
        return f"[not opened: {e}]"
    found = await fetched_text.read(context.hub, reply, longest, min(fetched_text.SECONDS, context.left))
    return found if 200 <= reply.status < 300 else f"[status {reply.status}]\n{found}"
