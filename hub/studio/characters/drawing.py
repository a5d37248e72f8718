"""A picture for a hub without an image service: it says that it is a placeholder, and for what. Pure."""

import hashlib
import io
from typing import TYPE_CHECKING

from hub.later import later

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont
else:
    Image, ImageDraw, ImageFont = later("PIL.Image"), later("PIL.ImageDraw"), later("PIL.ImageFont")


PLACEHOLDER = "placeholder"
SIZE, EDGE, GAP = 768, 56, 14
LINES, LONGEST = 7, 400
INK, SOFT = 255, 235  # of 255 parts white


def placeholder(prompt: str) -> bytes:
    """A PNG with the word and the prompt's beginning on it; the same prompt gives the same picture."""
    image = Image.new("L", (SIZE, SIZE), 0)
    draw = ImageDraw.Draw(image)
    draw.rectangle((EDGE // 2, EDGE // 2, SIZE - EDGE // 2, SIZE - EDGE // 2), outline=SOFT, width=3)
    draw.text((EDGE, EDGE), PLACEHOLDER, font=ImageFont.load_default(64), fill=INK)
    small = ImageFont.load_default(34)
    top = EDGE + 96
    draw.text((EDGE, top), "No image model drew this. It was asked for:", font=ImageFont.load_default(24), fill=SOFT)
    top += 64
    for line in _lines(draw, " ".join(prompt.split())[:LONGEST], small):
        draw.text((EDGE, top), line, font=small, fill=INK)
        top += 34 + GAP
    ground = _colour(prompt)
    image.putpalette([part + (255 - part) * white // 255 for white in range(256) for part in ground])
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _colour(prompt: str) -> tuple[int, int, int]:
    """Dark enough for white letters."""
    red, green, blue = hashlib.sha256(prompt.encode(errors="replace")).digest()[:3]
    return 30 + red % 70, 30 + green % 70, 50 + blue % 80


def _lines(
    draw: "ImageDraw.ImageDraw", text: str, font: "ImageFont.ImageFont | ImageFont.FreeTypeFont"
) -> list[str]:
    """The beginning of the text in lines that fit; a word that is wider than the picture is cut."""
    room, found, line = SIZE - 2 * EDGE, list[str](), ""
    for word in text.split():
        while draw.textlength(word, font=font) > room:
            word = word[:-1]
        longer = f"{line} {word}".strip()
        if draw.textlength(longer, font=font) <= room:
            line = longer
            continue
        found.append(line)
        line = word
    found.append(line)
    return found if len(found) <= LINES else [*found[: LINES - 1], found[LINES - 1][:-1] + "…"]
