"""`web_search`, over a service that speaks as SearXNG does."""

import asyncio
from dataclasses import dataclass
from typing import Any

from hub.domain import Json
from hub.tools import http_replies
from hub.tools.base import Context, Result, Tool, ToolFailed, schema
from hub.tools.builtin.common import Options, ask, text, told
from hub.tools.builtin.pages import block, page

SECONDS, PAGES_AT_ONCE = 15.0, 4
SNIPPET, LARGEST = 1000, 2_000_000
LONGEST = 100_000  # characters of all pages together
MISSING = "Web search is not configured on this server (HUB_SEARCH_URL)."
SCHEMA = schema(["query"], query=text("What to look for.", 500))


@dataclass(frozen=True, slots=True)
class Found:
    url: str
    title: str
    snippet: str
    date: str


def web_search(options: Options) -> Tool:
    """`Full` gives the text of every page that is found, `Summarized` what the service says of it."""

    async def run(context: Context, arguments: Json) -> Result:
        found, answers = await _searched(context, arguments["query"], options.search_results)
        if not found and not answers:
            return Result("Nothing was found.")
        if options.search_mode == "Summarized" or not found:
            return Result("\n\n".join((*answers, *(_summary(n, one) for n, one in enumerate(found, 1)))))
        pages = await _pages(context, found)
        whole = (block(one.url, f"{one.title}\n\n{text}") for one, text in zip(found, pages, strict=True))
        return Result("\n\n".join((*answers, *whole)))

    return Tool("web_search", "Searches the web.", SCHEMA, run, effect=False)


async def _searched(context: Context, query: str, most: int) -> tuple[list[Found], list[str]]:
    base = context.hub.settings.search_url
    if not base:
        raise ToolFailed(MISSING)
    url = base if base.endswith("/search") else f"{base}/search"
    asked = {"q": query, "format": "json", **({"language": context.language} if context.language else {})}
    status, said = await ask(context, "GET", url, query=asked, seconds=SECONDS)
    if status != 200 or not isinstance(said, dict) or not isinstance(said.get("results"), list):
        raise told(status, url, "web search")
    found: dict[str, Found] = {}
    for one in filter(None, map(_found, said["results"])):
        found.setdefault(one.url, one)
    answers = [f"Answer: {a[:SNIPPET]}" for a in map(_answer, said.get("answers") or ()) if a]
    return list(found.values())[:most], answers[:3]


def _found(given: Any) -> Found | None:
    if not isinstance(given, dict) or not str(given.get("url") or "").startswith(("http://", "https://")):
        return None
    title, snippet = str(given.get("title") or "")[:300], str(given.get("content") or "")[:SNIPPET]
    return Found(str(given["url"])[:2000], title, snippet, str(given.get("publishedDate") or "")[:40])


def _answer(given: Any) -> str:
    return str(given.get("answer") or "") if isinstance(given, dict) else str(given)


def _summary(number: int, one: Found) -> str:
    return "\n".join(line for line in (f"[{number}] {one.title}", one.url, one.date, one.snippet) if line)


async def _pages(context: Context, found: list[Found]) -> list[str]:
    """The text of every page; where it cannot be had, the snippet."""
    places = asyncio.Semaphore(PAGES_AT_ONCE)

    async def one(result: Found) -> str:
        async with places:
            text = await page(context, result.url, LONGEST // len(found), LARGEST)
        return f"{result.snippet}\n{text}" if text.startswith("[") else text

    return [http_replies.cut(text, LONGEST) for text in await asyncio.gather(*(one(result) for result in found))]
