"""The manual's vectors, made anew: `python -m tests.knowledge.shipped`, after a chapter was changed."""

import asyncio

from hub.knowledge.chunk import pieces
from hub.knowledge.shipped import FILE, written
from hub.llm.embedder import Embedder
from hub.processes.init import manual


def texts() -> list[str]:
    return list(dict.fromkeys(piece.text for given in manual() for piece in pieces(given.contents or "")))


async def main() -> None:
    embedder = Embedder()
    FILE.write_text(written(dict(zip(texts(), await embedder.passages(texts()), strict=True))))
    await embedder.close()


if __name__ == "__main__":
    asyncio.run(main())
