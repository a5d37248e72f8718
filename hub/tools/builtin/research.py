"""`advanced_web_search`: deep research, by an OpenAI-compatible model that searches the web itself."""

from typing import Any

from hub.domain import Json
from hub.tools import http_replies
from hub.tools.base import Context, Result, Tool, ToolFailed, schema
from hub.tools.builtin.common import Options, ask, bearer, text, told

SECONDS, LONGEST = 300.0, 100_000
MISSING = "Research is unavailable: it is not configured on this server (HUB_RESEARCH_URL)."
TASK = "Research the web for the question. Answer with what you found, and name the address of every source."
SCHEMA = schema(["prompt"], prompt=text("The question, with everything the research must know.", 10_000))


def advanced_web_search(_: Options) -> Tool:
    return Tool(
        "advanced_web_search", "Researches a question on the web thoroughly; takes long.", SCHEMA, _research,
        effect=False,
    )


async def _research(context: Context, arguments: Json) -> Result:
    settings = context.hub.settings
    if not settings.research_url:
        raise ToolFailed(MISSING)
    body = {
        "messages": [{"role": "system", "content": TASK}, {"role": "user", "content": arguments["prompt"]}],
        **({"model": settings.research_model} if settings.research_model else {}),
    }
    url = f"{settings.research_url}/chat/completions"
    status, said = await ask(
        context, "POST", url, body=body, headers=bearer(settings.research_key), seconds=SECONDS
    )
    text = _content(said)
    if status != 200 or not text:
        raise told(status, url, "research")
    sources = [str(c)[:2000] for c in said.get("citations") or () if isinstance(c, str)]
    listed = "\n".join(f"[{n}] {one}" for n, one in enumerate(sources[:50], 1))
    return Result(http_replies.cut(f"{text}\n\nSources:\n{listed}" if listed else text, LONGEST))


def _content(said: Any) -> str:
    try:
        found = said["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return ""
    return found if isinstance(found, str) else ""
