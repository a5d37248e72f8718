"""G-07 to G-09: brand voices."""

from aiohttp import web

from hub.api.aresgen.schemas.kinds import Cursor, Paged, VoiceId, page
from hub.api.aresgen.schemas.voices import VoiceEdit, VoiceIn, VoiceOut
from hub.api.http.app_keys import HUB, caller, fresh_id
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.studio.aresgen import voices
from hub.studio.aresgen.voices import Voice

TAG = "Voices"
FAMILY = "aresgen"


@endpoint(id="G-07", tag=TAG, family=FAMILY, query_key=False, status=201)
async def create(request: web.Request, body: VoiceIn) -> VoiceOut:
    """Train a voice from a sample of at least 300 words; it is ready when it is answered."""
    account, sliders = caller(request).account_id, body.sliders.model_dump(exclude_none=True)
    made = await voices.add(
        request.app[HUB], account, fresh_id(request), body.name, body.sample, sliders, body.banned_phrases
    )
    return VoiceOut.of(made)


@endpoint(id="G-08", tag=TAG, family=FAMILY, query_key=False)
async def listed(request: web.Request, query: Cursor) -> Paged[VoiceOut]:
    """List the voices of the workspace, newest first."""
    rows = await voices.listed(request.app[HUB].db, caller(request).account_id, query.after, query.wanted)
    return Paged[VoiceOut](**page(rows, query, lambda r: VoiceOut.of(Voice(**r))))


@endpoint(tag=TAG, family=FAMILY, query_key=False)
async def show(request: web.Request, id: VoiceId) -> VoiceOut:
    """Show a voice with the profile of its sample."""
    return VoiceOut.of(await voices.get(request.app[HUB].db, caller(request).account_id, id))


@endpoint(id="G-09", tag=TAG, family=FAMILY, query_key=False)
async def edit(request: web.Request, id: VoiceId, body: VoiceEdit) -> VoiceOut:
    """Adjust sliders, banned phrases or the sample; what is left out stays."""
    given = body.model_dump(exclude_none=True)
    return VoiceOut.of(await voices.edit(request.app[HUB], caller(request).account_id, id, given))


@endpoint(tag=TAG, family=FAMILY, query_key=False, status=204)
async def remove(request: web.Request, id: VoiceId) -> None:
    """Delete a voice; what used it goes on without one."""
    await voices.remove(request.app[HUB], caller(request).account_id, id)


BASE = "/v1/voices"
ROUTES = (
    Route("POST", BASE, create),
    Route("GET", BASE, listed),
    Route("GET", BASE + "/{id}", show),
    Route("PATCH", BASE + "/{id}", edit),
    Route("DELETE", BASE + "/{id}", remove),
)
