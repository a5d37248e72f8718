"""Files that people and programs sent: bytes in memory, bounded."""

import mimetypes
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from aiohttp import web

ROOM = 64 * 1024 * 1024
# Only what a browser shows without running anything.
SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/")
PLAIN_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file; `source` is an address whose content was never fetched."""

    id: str
    content: bytes
    mime: str
    name: str
    size: int
    seconds: int | None = None
    source: str = ""

    def seen(self) -> dict[str, Any]:
        """What the page and the tests see."""
        return {
            "id": self.id,
            "url": None if self.source and not self.content else f"/media/{self.id}/{self.name}",
            "source": self.source or None,
            "mime": self.mime,
            "name": self.name,
            "size": self.size,
            "seconds": self.seconds,
        }


class Files:
    """The newest files, as many as fit."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, File] = OrderedDict()
        self._used = 0

    def put(
        self,
        content: bytes,
        mime: str = "",
        name: str = "",
        *,
        size: int | None = None,
        seconds: int | None = None,
        source: str = "",
    ) -> File:
        """Keep a file; `size` may lie, to try limits without the bytes."""
        mime = mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
        bare = mime.partition(";")[0].strip()
        name = name.replace("/", "_") or f"file{mimetypes.guess_extension(bare) or '.bin'}"
        real = len(content) if size is None else size
        file = File(secrets.token_hex(8), content, mime, name, real, seconds, source)
        self._files[file.id] = file
        self._used += len(content)
        while self._used > ROOM and len(self._files) > 1:
            _, old = self._files.popitem(last=False)
            self._used -= len(old.content)
        return file

    def get(self, file_id: str) -> File | None:
        """The file, or None when it never was or is gone."""
        return self._files.get(file_id)

    def clear(self) -> None:
        """Forget everything."""
        self._files.clear()
        self._used = 0

    async def serve(self, request: web.Request) -> web.Response:
        """GET /media/{id}/{name}: no key is asked, as with the providers' temporary addresses."""
        file = self.get(request.match_info["id"])
        if file is None:
            return web.json_response({"error": "no such file"}, status=404)
        headers = dict(PLAIN_HEADERS)
        if not file.mime.startswith(SHOWN):
            headers["Content-Disposition"] = "attachment"
        return web.Response(
            body=file.content, headers=headers | {"Content-Type": file.mime or "text/plain"}
        )
