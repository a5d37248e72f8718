"""Files of shell workspaces (A-26..A-33). The header X-Shell-User-Id names the external user."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from hub.api.aivax.schemas.shell import Address, EntryOut, FileAddress, FileDetails, Listing, PathQuery
from hub.api.http import bounded, deeds
from hub.api.http.app_keys import HUB, caller
from hub.api.http.download import download as sent
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Header, Route
from hub.errors import Forbidden, Invalid, NotFound
from hub.store import people
from hub.tools.shell import files, public, whose
from hub.tools.shell.paths import Parts, parts
from hub.tools.shell.places import Place
from hub.tools.shell.tool import quota

TAG = "Shell I/O"
USER = "X-Shell-User-Id"
HEADERS = (Header(USER, "The external user whose workspace it is (session tag or `user`)."),)
LONGEST = 256


@dataclass(frozen=True, slots=True)
class _Asked:
    place: Place
    user: str
    parts: Parts


async def _asked(request: web.Request, query: PathQuery, make: bool = False) -> _Asked:
    """The workspace and the path; make: something will be kept there. Raise Invalid naming the header or the field."""
    user = request.headers.get(USER, "").strip()
    if not user:
        raise Invalid(f"{USER} is missing; send the external user's id in this header.", field=USER)
    if len(user) > LONGEST or not user.isprintable():
        raise Invalid(f"{USER} must have at most {LONGEST} printable characters.", field=USER)
    wanted = parts(query.path)
    place = await whose.place(request.app[HUB], caller(request).account_id, user, make=make)
    return _Asked(place, user, wanted)


@endpoint(id="A-26", tag=TAG, headers=HEADERS, produces="application/octet-stream", errors=(404,))
async def download(request: web.Request, query: PathQuery) -> web.StreamResponse:
    """Download a file."""
    asked = await _asked(request, query)
    file, found = await asyncio.to_thread(files.open_file, asked.place, asked.parts)
    return await sent(request, file, found.entry.name, found.mime, found.entry.size or 0)


@endpoint(
    id="A-27", tag=TAG, headers=HEADERS, consumes="application/octet-stream", errors=(413,),
    says="File uploaded successfully.",
)
async def upload(request: web.Request, query: PathQuery) -> None:
    """Upload a file as the body, at most 100 MB; folders on the way are made.

    A file of that name is replaced.
    """
    asked = await _asked(request, query, make=True)
    body = bounded.pieces(request, 2 * files.LARGEST, "file")  # the file's own limit is below
    await files.upload(asked.place, asked.parts, body, quota(request.app[HUB].settings))
    await deeds.changed(request, asked.place.folder.name)


@endpoint(id="A-28", tag=TAG, headers=HEADERS, errors=(404,), says="File deleted successfully.")
async def remove_file(request: web.Request, query: PathQuery) -> None:
    """Delete a file."""
    asked = await _asked(request, query)
    await asyncio.to_thread(files.remove_file, asked.place, asked.parts)
    await deeds.changed(request, asked.place.folder.name)


@endpoint(id="A-29", tag=TAG, headers=HEADERS, errors=(404,))
async def listing(request: web.Request, query: PathQuery) -> Listing:
    """List a folder; the root of a workspace that nobody used is empty."""
    asked = await _asked(request, query)
    found = await asyncio.to_thread(files.listing, asked.place, asked.parts)
    return Listing(entries=[EntryOut.of(e) for e in found])


@endpoint(id="A-30", tag=TAG, headers=HEADERS, errors=(413,), says="Directory created successfully.")
async def make_folder(request: web.Request, query: PathQuery) -> None:
    """Make a folder and those on the way; one that is there is fine."""
    asked = await _asked(request, query, make=True)
    await asyncio.to_thread(files.make_folder, asked.place, asked.parts, quota(request.app[HUB].settings))
    await deeds.changed(request, asked.place.folder.name)


@endpoint(id="A-31", tag=TAG, headers=HEADERS, errors=(404,), says="Directory deleted successfully.")
async def remove_folder(request: web.Request, query: PathQuery) -> None:
    """Delete a folder with all that is in it. The root cannot be deleted."""
    asked = await _asked(request, query)
    await asyncio.to_thread(files.remove_folder, asked.place, asked.parts)
    await deeds.changed(request, asked.place.folder.name)


@endpoint(id="A-32", tag=TAG, headers=HEADERS, empty=(404,))
async def details(request: web.Request, query: PathQuery) -> FileDetails | web.Response:
    """Show what is known about a file."""
    asked = await _asked(request, query)
    try:
        return FileDetails.of(await asyncio.to_thread(files.details, asked.place, asked.parts))
    except NotFound:
        return _nothing()


@endpoint(id="A-33", tag=TAG, headers=HEADERS, empty=(404,))
async def public_address(request: web.Request, query: PathQuery) -> FileAddress | web.Response:
    """Show the temporary address at which anyone can download the file.

    Every file has one for one to two hours; showing it changes nothing. A key of the role viewer is not told it.
    """
    if caller(request).role == "viewer":
        raise Forbidden("A key of the role viewer may read the file, not hand it on.", code="role_too_low")
    hub, asked = request.app[HUB], await _asked(request, query)
    try:
        entry = (await asyncio.to_thread(files.details, asked.place, asked.parts)).entry
    except NotFound:
        return _nothing()
    account = caller(request).account_id
    person = await people.user(hub.db, account, asked.user)
    token = public.token(hub.sealer, account, asked.user, asked.parts, person=person)
    url = f"{hub.settings.address}/api/v1/public/ext-res/file/{token}"
    return FileAddress(data=Address(name=entry.name, size=entry.size or 0, public_url=url))


def _nothing() -> web.Response:
    """The documented body of these two."""
    return web.json_response({}, status=404)


BASE = "/api/v1/shell/io"
ROUTES = [
    Route("GET", BASE + "/file", download),
    Route("POST", BASE + "/file", upload),
    Route("DELETE", BASE + "/file", remove_file),
    Route("GET", BASE + "/listing", listing),
    Route("POST", BASE + "/directory", make_folder),
    Route("DELETE", BASE + "/directory", remove_folder),
    Route("GET", BASE + "/file/details", details),
    Route("GET", BASE + "/file/public-address", public_address),
]
