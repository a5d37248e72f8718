"""Pictures and scanned pages as text, by the models that the package `rapidocr` brings with it.

A file is read in steps: from page `from` (the first is 0) until `begin` seconds are over; `next` says where to go on.
"""

import io
import os
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

# One core, whatever the libraries think: others are at work beside.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE")

import pypdfium2
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from hub.knowledge.children.common import Asked, No, Text, run
from hub.knowledge.children.pdf import opened, pictured, said_on
from hub.later import later

# They take seconds: a file that is damaged is told before.
if TYPE_CHECKING:
    import cv2
    import numpy as np
    import rapidocr
else:
    cv2, np, rapidocr = later("cv2"), later("numpy"), later("rapidocr")

PIXELS = 60_000_000  # of a picture that is opened
LONGEST = 2400  # pixels of a page's longer side
DPI = 150  # letters of small print are read well, and spaces better than in larger ones
SURE, HARD = 0.8, 0.85  # mean score below which other ways up are tried; below which a page is told as hard to read
ROW = 0.5  # of a line's height: how far two pieces of one line may stand apart in height
WIDE = 1.5  # of a line's height: a gap between two cells
APART = 1.0  # of a line's height: what is between two paragraphs
COLUMN, LINES = 0.6, 4  # part of a column that its lines fill, and how many they are at least
NICE = 10


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands in one place; score: how sure the model is."""

    left: float
    right: float
    top: float
    bottom: float
    text: str
    score: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


class Eyes:
    """The models, loaded when the first page needs them."""

    def __init__(self) -> None:
        self._model: Any = None

    def read(self, image: Image.Image) -> list[Piece]:
        """What stands on a page, whichever way up it lies."""
        best: list[Piece] = []
        for turn in (0, 180, 90, 270):
            found = self._seen(image.rotate(turn, expand=True) if turn else image)
            if _sure(found) > _sure(best):
                best = found
            if not found or _sure(found) >= SURE:
                break
        return best

    def _seen(self, image: Image.Image) -> list[Piece]:
        if self._model is None:
            cv2.setNumThreads(1)
            engine = "EngineConfig.onnxruntime."
            # The model that tells which way up a line stands takes long ones for standing on their heads.
            self._model = rapidocr.RapidOCR(params={
                "Global.use_cls": False, "Global.log_level": "critical", "Global.max_side_len": LONGEST,
                f"{engine}intra_op_num_threads": 1, f"{engine}inter_op_num_threads": 1,
            })
        told = self._model(np.ascontiguousarray(np.asarray(image)[:, :, ::-1]))
        if told.boxes is None or not told.txts:
            return []
        found = (_piece(box, text, score) for box, text, score in zip(told.boxes, told.txts, told.scores, strict=True))
        return [p for p in found if p.text and p.height > 0]


def _piece(box: Any, text: str, score: float) -> Piece:
    across, down = [float(p[0]) for p in box], [float(p[1]) for p in box]
    return Piece(min(across), max(across), min(down), max(down), text.strip(), float(score))


def _sure(found: list[Piece]) -> float:
    """How sure the model is of what it read; of lines that stand upright it is of little."""
    if not found:
        return 0.0
    flat = sum(len(p.text) for p in found if p.right - p.left >= p.height or len(p.text) < 3)
    return statistics.fmean(p.score for p in found) * flat / sum(len(p.text) for p in found)


def laid_out(found: list[Piece]) -> str:
    """The pieces as lines, column by column; wide gaps in a line part cells."""
    return "\n\n".join(_lines(column) for column in _columns(found))


def _columns(found: list[Piece]) -> list[list[Piece]]:
    """Parts of a page between which nothing stands, when both are full of lines: a table has short cells."""
    for edge in sorted({p.right for p in found}):
        left, right = [p for p in found if p.right <= edge], [p for p in found if p.left >= edge]
        if len(left) + len(right) == len(found) and _full(left) and _full(right):
            return [left, *_columns(right)]
    return [found]


def _full(found: list[Piece]) -> bool:
    if len(found) < LINES:
        return False
    width = max(p.right for p in found) - min(p.left for p in found)
    return statistics.median(p.right - p.left for p in found) >= COLUMN * width


def _lines(found: list[Piece]) -> str:
    said, last = "", None
    for row in _rows(found):
        text, before = row[0].text, row[0]
        for piece in row[1:]:
            text += (" | " if piece.left - before.right > WIDE * piece.height else " ") + piece.text
            before = piece
        if last is None:
            said = text
        elif re.search(r"[^\W\d_]-$", said) and text[:1].islower():
            said = said[:-1] + text
        else:
            gap = row[0].top - last.bottom
            said += ("\n\n" if gap > APART * row[0].height else "\n") + text
        last = row[0]
    return said


def _rows(found: list[Piece]) -> list[list[Piece]]:
    """Pieces that stand beside each other, from left to right."""
    rows: list[list[Piece]] = []
    for piece in sorted(found, key=lambda p: p.top + p.bottom):
        first = rows[-1][0] if rows else None
        if first is not None:
            apart = abs((piece.top + piece.bottom) - (first.top + first.bottom)) / 2
            if apart <= ROW * min(piece.height, first.height):
                rows[-1].append(piece)
                continue
        rows.append([piece])
    return [sorted(row, key=lambda p: p.left) for row in rows]


def scans(content: bytes, asked: Asked, text: Text) -> None:
    """The pages of a PDF: as they are written, and those that are pictures by their picture."""
    book = opened(content)
    count = len(book)
    if count > asked["pages"]:
        raise No(f"has {count:,} pages; at most {asked['pages']:,} are read")
    book.init_forms()
    eyes, usual = Eyes(), 0.0
    for number in _steps(count, asked, text):
        try:
            page = book[number]
            said, usual = said_on(book, page, usual)
            if not said.strip() or pictured(page, said):
                text.add(said, number + 1)
                scale = min(DPI / 72, LONGEST / max(1.0, *page.get_size()))
                _see(eyes, page.render(scale=scale).to_pil().convert("RGB"), number, text)
            else:
                text.add(said, number + 1)
            page.close()
        except pypdfium2.PdfiumError:
            text.note(f"Page {number + 1} is damaged and was not read.")


def picture(content: bytes, asked: Asked, text: Text) -> None:
    """A picture, or all pages of one that has several."""
    register_heif_opener()
    Image.MAX_IMAGE_PIXELS = None  # told below, in words
    try:
        image = Image.open(io.BytesIO(content))
        moves = bool(getattr(image, "is_animated", False)) and image.format != "TIFF"
        count = 1 if moves else int(getattr(image, "n_frames", 1))
        if moves:
            text.note("It moves; only its first picture was read.")
        if count > asked["pages"]:
            raise No(f"has {count:,} pages; at most {asked['pages']:,} are read")
        eyes = Eyes()
        for number in _steps(count, asked, text):
            if count > 1:
                image.seek(number)
            _see(eyes, _opened(image), number, text)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        raise No("is damaged, or is no picture that can be read") from None


def _opened(image: Image.Image) -> Image.Image:
    """The picture the right way up, on white, no larger than it helps."""
    if image.width * image.height > PIXELS:
        raise No(f"has {image.width:,} by {image.height:,} pixels; at most {PIXELS // 10**6} million are read")
    image.draft("RGB", (LONGEST, LONGEST))
    shown = ImageOps.exif_transpose(image)
    shown.thumbnail((LONGEST, LONGEST))
    if "A" in shown.getbands() or "transparency" in shown.info:
        clear = shown.convert("RGBA")
        shown = Image.new("RGB", clear.size, "white")
        shown.paste(clear, mask=clear.getchannel("A"))
    return shown.convert("RGB")


def _steps(count: int, asked: Asked, text: Text) -> Iterator[int]:
    """The pages of this step, one at least."""
    text.unit, text.count = ("page", count) if count > 1 else ("", count)
    end = time.monotonic() + asked["begin"]
    for number in range(asked["from"], count):
        if number > asked["from"] and time.monotonic() > end:
            text.next = number
            return
        yield number


def _see(eyes: Eyes, image: Image.Image, number: int, text: Text) -> None:
    found = eyes.read(image)
    if not found:
        return
    text.add(laid_out(found), number + 1)
    text.seen.append(number + 1)
    if statistics.fmean(p.score for p in found) < HARD:
        text.hard.append(number + 1)


if __name__ == "__main__":
    os.nice(NICE)
    run({"pdf": scans, "picture": picture})
