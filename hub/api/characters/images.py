"""C-11 and C-12: images."""

from aiohttp import web

from hub import ids
from hub.api.characters.schemas import ImageIn, ImageOut, ImagePage, PageQuery, Pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.domain import Json
from hub.runtime import Hub
from hub.studio.characters import images

TAG = "Images"


@endpoint(id="C-11", tag=TAG, family="characters")
async def listed(request: web.Request, query: PageQuery) -> ImagePage:
    """List images, the newest first, in pages."""
    hub, number, size = request.app[HUB], query.page, query.page_size
    rows, count = await images.page(hub.db, caller(request).account_id, number, size)
    pages = -(-count // size)
    turn = Pagination(
        total_items=count, current_page=number, page_size=size, total_pages=pages,
        next_page=number + 1 if number < pages else None, prev_page=min(number - 1, pages) or None,
    )
    return ImagePage(data=[_shown(hub, row) for row in rows], pagination=turn)


@endpoint(id="C-12", tag=TAG, family="characters", status=201, errors=(402, 404, 502))
async def create(request: web.Request, body: ImageIn) -> ImageOut:
    """Make an image.

    With `conversation_id` it is put into the conversation as a message without text.
    """
    hub, who = request.app[HUB], caller(request)
    return _shown(hub, await images.create(hub, who, body.sd_model_id, body.prompt, body.conversation_id))


@endpoint(tag=TAG, family="characters")
async def view(request: web.Request, id: str) -> ImageOut:
    """View an image."""
    hub = request.app[HUB]
    return _shown(hub, await images.find(hub.db, caller(request).account_id, id))


def _shown(hub: Hub, row: Json) -> ImageOut:
    return ImageOut(
        id=ids.named(images.PREFIX, row["id"]), prompt=row["prompt"], url=images.address(hub, row["token"]),
        created_at=row["created_at"],
    )


ROUTES = (
    Route("GET", "/api/v1/images", listed),
    Route("POST", "/api/v1/images", create),
    Route("GET", "/api/v1/images/{id}", view),
)
