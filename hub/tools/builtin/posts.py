"""`search_x_posts`: posts of X, over a service of the operator's.

The service answers `GET {HUB_X_SEARCH_URL}?q=<words>&limit=<n>` and `?id=<post id>` with
`{"posts": [{"id", "author", "text", "created_at", "url"}]}`; the key, when there is one, comes as a
Bearer token.
"""

from typing import Any

from hub.domain import Json
from hub.tools.base import Context, Result, Tool, ToolFailed, schema
from hub.tools.builtin.common import Options, ask, bearer, text, told

SECONDS, MOST, LONGEST = 15.0, 25, 4000
MISSING = "The search in X is not configured on this server (HUB_X_SEARCH_URL)."
SCHEMA = schema(
    [],
    query=text("What to look for.", 500),
    post_id=text("Read this post instead of searching.", 40, pattern="^[0-9]+$"),
    limit={"type": "integer", "minimum": 1, "maximum": MOST, "description": "How many posts; 10 without it."},
)


def search_x_posts(_: Options) -> Tool:
    text = "Searches posts of X (Twitter), or reads one by its id."
    return Tool("search_x_posts", text, SCHEMA, _search, effect=False)


async def _search(context: Context, arguments: Json) -> Result:
    settings, query, post = context.hub.settings, arguments.get("query"), arguments.get("post_id")
    if not settings.x_search_url:
        raise ToolFailed(MISSING)
    if not query and not post:
        raise ToolFailed("Send query or post_id.")
    asked = {"id": post} if post else {"q": query, "limit": arguments.get("limit") or 10}
    status, said = await ask(
        context, "GET", settings.x_search_url, query=asked, headers=bearer(settings.x_search_key), seconds=SECONDS
    )
    posts = said.get("posts") if isinstance(said, dict) else None
    if post and status == 404:
        return Result("There is no such post.")
    if status != 200 or not isinstance(posts, list):
        raise told(status, settings.x_search_url, "search in X")
    return Result("\n\n".join(_post(p) for p in posts[:MOST] if isinstance(p, dict)) or "Nothing was found.")


def _post(given: dict[str, Any]) -> str:
    fields = {name: str(given.get(name) or "")[:LONGEST] for name in ("id", "author", "created_at", "url", "text")}
    head = " ".join(fields[name] for name in ("author", "created_at", "url") if fields[name])
    return f"[{fields['id']}] {head}\n{fields['text']}".strip()
