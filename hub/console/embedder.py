"""What turns documents into vectors: the hub's own embedder, or one of the account's."""

from aiohttp import web

from hub.accounts import embedders
from hub.accounts.embedders import Given
from hub.accounts.operators import Deed
from hub.console.guard import act, look
from hub.console.page_request import Visit, mark
from hub.errors import Invalid
from hub.llm.elsewhere import WIDEST
from hub.llm.embedder import DIMENSION, MODEL
from hub.store.embedders import Embedder

PAGE = "/console/knowledge/embedder"


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/knowledge/embedder"""
    found = await embedders.shown(v.hub, v.account)
    last = found[-1] if found else None
    version = mark(*_state(last.one if last else None))
    return await v.page("embedder.html", embedders=found, last=last, version=version, own=MODEL, width=DIMENSION)


def _state(one: Embedder | None) -> tuple[object, ...]:
    return (one.address, one.model, one.dimension) if one else ()


async def save(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/knowledge/embedder"""
    f = v.form
    url, model, dimension = f.get("address"), f.get("model"), f.number("dimension", 2, WIDEST)
    if not 0 < len(url) <= 2000:
        raise Invalid("address must have 1 to 2,000 characters.", field="address")
    if not 0 < len(model) <= 200:
        raise Invalid("model must have 1 to 200 characters.", field="model")
    key = f.get("key")
    deed.change = {"address": url, "model": model, "dimension": dimension}
    given = Given(url, model, int(dimension) if dimension else None, key or None, bool(key))
    await embedders.put(v.hub, v.account, given, lambda last: v.unchanged(*_state(last)))
    return v.to(PAGE, "Set. What is there answers until all documents are turned into its vectors.")


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/knowledge/embedder/delete"""
    await embedders.remove(v.hub, v.account)
    return v.to(PAGE, "The hub's own embedder answers again.")


def routes() -> list[web.RouteDef]:
    return [
        look(PAGE, view), act(PAGE, "settings.embedder_set", save),
        act(PAGE + "/delete", "settings.embedder_removed", remove),
    ]
