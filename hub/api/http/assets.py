"""The pages' own files: bundled and minified once, compressed once they are asked for, under addresses that change when
they do.

    {{ static("chat.js") }}   ->   /assets/chat.3f9a0c41d2.js

A file of `widget/` may take in others: `import { render } from "./markdown.js";` and
`@import "tokens.css";` on a line of their own are replaced by that file, each once.
"""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import brotli
import rcssmin
import rjsmin
from aiohttp import web

from hub.api.http.app_keys import PAGES

FOLDER = Path(__file__).resolve().parents[3] / "widget"
KINDS = {
    ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png",
    ".webp": "image/webp", ".ico": "image/x-icon", ".woff2": "font/woff2",
}
TEXT = (".js", ".css", ".svg")
# The smallest first.
CODINGS: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType({
    "br": lambda content: bytes(brotli.compress(content, quality=11)),
    "gzip": lambda content: gzip.compress(content, 9, mtime=0),
})
FOREVER, ASK = "public, max-age=31536000, immutable", "no-cache"
_IMPORT = re.compile(r'^(?:import\s+(?:\{[^}]*\}\s+from\s+)?"\./|@import\s+")([\w./-]+)";\n?', re.MULTILINE)
_EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?function|const|let|class)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent; `packed` holds it by content coding, once somebody has asked for that."""

    address: str
    kind: str
    plain: bytes
    etag: str
    packed: dict[str, bytes] = field(default_factory=dict, compare=False)

    async def coded(self, taken: set[str]) -> tuple[str | None, bytes]:
        """The smallest coding of those a client takes, and the file in it."""
        text = self.kind in (KINDS[suffix] for suffix in TEXT)
        coding = next((c for c in CODINGS if c in taken), None) if text else None
        if coding is None:
            return None, self.plain
        if coding not in self.packed:
            # It takes longer than others may be held up, and all files together longer than the rest of a start.
            self.packed[coding] = await asyncio.to_thread(CODINGS[coding], self.plain)
        return coding, self.packed[coding]


def minified(path: Path) -> bytes:
    """A file with those it imports, without what only its readers need; `.min.` files are taken as they are."""
    if path.suffix not in (".js", ".css") or ".min." in path.name:
        return path.read_bytes()
    text = _bundled(path, set())
    return str((rjsmin.jsmin if path.suffix == ".js" else rcssmin.cssmin)(text)).encode()


def _bundled(path: Path, taken: set[Path]) -> str:
    taken.add(path)
    return _IMPORT.sub(lambda m: _taken_in((path.parent / m[1]).resolve(), taken), path.read_text(encoding="utf-8"))


def _taken_in(path: Path, taken: set[Path]) -> str:
    """A file as part of another: its names are the other's own."""
    return "" if path in taken else _EXPORT.sub("", _bundled(path, taken))


@lru_cache(maxsize=4)
def read(folder: Path) -> Mapping[str, File]:
    """All files of a folder by their names ("chat.js", "vendor/htmx.min.js")."""
    paths = (p for p in sorted(folder.rglob("*")) if p.suffix in KINDS and p.is_file())
    return MappingProxyType({p.relative_to(folder).as_posix(): _file(p, folder) for p in paths})


def _file(path: Path, folder: Path) -> File:
    content = minified(path)
    mark = hashlib.sha256(content).hexdigest()[:10]
    name = path.relative_to(folder).with_suffix(f".{mark}{path.suffix}").as_posix()
    kind = KINDS[path.suffix]
    return File(f"/assets/{name}", kind, content, mark)


def mount(app: web.Application, folder: Path = FOLDER) -> None:
    """Serve the files, and let templates name them by `static("chat.js")`."""
    files = read(folder)
    by_address = {f.address: f for f in files.values()}

    def static(name: str) -> str:
        return files[name].address

    async def show(request: web.Request) -> web.Response:
        if found := by_address.get(request.path):
            return await send(request, found, FOREVER)
        # The address of another version, of a page loaded before an upgrade: today's file, not to be kept.
        name = re.sub(r"\.[0-9a-f]{10}(?=\.\w+$)", "", request.match_info["name"])
        if name not in files:
            raise web.HTTPNotFound
        return await send(request, files[name], ASK)

    app[PAGES].globals["static"] = static
    app.router.add_get("/assets/{name:.+}", show)


async def named(request: web.Request, name: str) -> web.Response:
    """A file under an address that stays when the file changes."""
    return await send(request, read(FOLDER)[name], ASK)


async def send(request: web.Request, file: File, kept: str) -> web.Response:
    """A file in the smallest coding that the client takes; 304 when it has it already."""
    headers = {
        "Cache-Control": kept, "ETag": f'"{file.etag}"', "Vary": "Accept-Encoding",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if file.etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    coding, body = await file.coded(accepted(request.headers.get("Accept-Encoding", "")))
    if coding:
        headers["Content-Encoding"] = coding
    text = file.kind.startswith("text/")
    return web.Response(body=body, content_type=file.kind, charset="utf-8" if text else None, headers=headers)


def accepted(header: str) -> set[str]:
    """Codings of an Accept-Encoding header that are not refused by `q=0`."""
    parts = (part.partition(";") for part in header.lower().split(","))
    return {name.strip() for name, _, rest in parts if not re.fullmatch(r"\s*q=0(\.0*)?\s*", rest)}
