"""Sample bots by trade: tried, and thrown away."""

from aiohttp import web

from hub.accounts.operators import Deed
from hub.api.http.app_keys import DIRECTORY
from hub.chat.operators import samples
from hub.chat.operators.samples import LANGUAGES, TRADES
from hub.console.guard import act, look
from hub.console.page_request import Visit
from hub.translations import told

PLACE = "/console/samples"


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/samples"""
    return await v.page(
        "samples.html", made=await samples.listed(v.db, v.account), trades=TRADES, languages=LANGUAGES
    )


async def make(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/samples"""
    trade, language = v.form.get("trade"), v.form.get("language") or "en"
    deed.change = {"sample": trade, "language": language}
    client = await samples.make(v.hub, v.account, trade, language)
    deed.object = str(client)
    return v.to(f"/console/channels/{client}", "The sample is made: open its chat below, or connect a network to it.")


async def throw_away(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/samples/{id}/delete"""
    deed.object = str(v.id())
    stays = await samples.throw_away(v.hub, v.account, v.id())
    v.request.app[DIRECTORY].forget(v.account)
    said = v.words.say("The sample is gone, with its documents and conversations.")
    if stays:
        said += " " + v.words.say(told("In use elsewhere, and kept: %(names)s.", names=", ".join(stays)))
    return v.to(PLACE, said)


def routes() -> list[web.RouteDef]:
    return [
        look(PLACE, show), act(PLACE, "bot.sample_made", make),
        act(PLACE + "/{id}/delete", "bot.sample_gone", throw_away),
    ]
