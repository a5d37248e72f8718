"""Whether the caller lets an answer be remembered, and given again for the same question."""

from dataclasses import replace

from aiohttp import web

from hub.api.http.operation import Header
from hub.domain import Caller
from hub.engine.ask import Ask, Wish
from hub.engine.remembered import OFF, rights_of
from hub.errors import Invalid

CACHE = "x-hub-cache"
USED, UNUSED = ("use", "on", "true", "1"), ("off", "false", "0")
CACHED = Header(
    CACHE, "`use`: an answer may be remembered, and given again for the same question, where the gateway has "
    "`answerCacheSeconds`; `refresh`: it is asked anew. The answer says `hit`, `miss` or `off`.", required=False,
)


def remembering(request: web.Request, who: Caller, ask: Ask) -> Ask:
    """The question with the wish for a remembered answer. Raise Invalid for a word that is none."""
    asked = request.headers.get(CACHE, "off").strip().lower()
    if asked not in (*USED, *UNUSED, "refresh"):
        raise Invalid(f"The header {CACHE} is use, refresh or off.", field=CACHE)
    if asked in UNUSED:
        return ask
    seconds = float(ask.gateway.parameters.get("answerCacheSeconds") or 0)
    if not seconds or ask.external_user:
        ask.trace.cache = OFF
        return ask
    rights = rights_of(who.kind, who.role, who.models, who.origins)
    return replace(ask, cache=Wish(seconds, rights, asked == "refresh"))
