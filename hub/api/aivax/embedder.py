"""The embedder of the account: an extra beside A-43..A-55."""

from aiohttp import web

from hub.accounts import embedders
from hub.accounts.embedders import Given
from hub.api.aivax.schemas.embedder import EmbedderIn, EmbedderOut, OwnEmbedder
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route

TAG = "Collections"
BASE = "/api/v1/embedder"


@endpoint(tag=TAG)
async def view(request: web.Request) -> EmbedderOut:
    """Show what turns the account's documents into vectors, and how far a new one has come."""
    found = await embedders.shown(request.app[HUB], caller(request).account_id)
    return EmbedderOut(embedders=[OwnEmbedder.of(one) for one in found])


@endpoint(tag=TAG, says="Embedder set.")
async def put(request: web.Request, body: EmbedderIn) -> None:
    """Set an embedder of your own: any address with OpenAI's `/embeddings`.

    All collections are turned into its vectors in the background; until that is done, and whenever it does not answer,
    the index there was answers. Then searches use the new one at once. Setting the same one with another key only
    changes the key. The key goes to this address alone.
    """
    given = Given(body.address, body.model, body.dimension, body.api_key, "api_key" in body.model_fields_set)
    await embedders.put(request.app[HUB], caller(request).account_id, given)


@endpoint(tag=TAG, says="Embedder removed.")
async def remove(request: web.Request) -> None:
    """Go back to the hub's own embedder, whose vectors are there of every document."""
    await embedders.remove(request.app[HUB], caller(request).account_id)


ROUTES = (
    Route("GET", BASE, view),
    Route("PUT", BASE, put),
    Route("DELETE", BASE, remove),
)
