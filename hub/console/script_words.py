"""What the console's scripts say, in the language of whoever looks; in English it stands in them."""

from aiohttp import web

from hub.console.guard import look
from hub.console.page_request import HEADERS, Visit
from hub.translations import told

# {} stands for a value.
SAID = (
    told("now"), told("in a moment"), told("late"), told("Copy"), told("Copied"), told("Remove {}"),
    told("What you had typed is here again; it is not saved yet."),
    told("The hub could not be reached ({}). Nothing you typed is lost; send it again in a moment."),
    told("No connection to the hub. Nothing you typed is lost; send it again when the line is back."),
    told("The line is down: what you see may be old, and nothing can be sent."),
    told("Somebody waits"), told("{} people wait"),
    told("This browser cannot be told while no page of the hub is open."), told("The browser does not allow it: {}"),
)


async def words(v: Visit) -> web.StreamResponse:
    """GET /console/words: asked for once a page, after all else, by pages that are not in English."""
    return web.json_response({text: v.words.gettext(text) for text in SAID}, headers=HEADERS)


def routes() -> list[web.RouteDef]:
    return [look("/console/words", words, visit=False)]
