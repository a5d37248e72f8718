"""Turn a file into text that a model can read.

Input: one line of JSON {"kind": html | pdf | docx, "memory" (bytes), "seconds", "longest"
(characters)}, then the file. Output: the text in UTF-8. Ends with another code than 0 when the file
cannot be read.
"""

import io
import json
import resource
import sys
from typing import Any

import mammoth
import pypdf
from bs4 import BeautifulSoup, Comment
from markdownify import MarkdownConverter

# What a page has beside what it says.
NOISE = (
    "script, style, noscript, template, svg, canvas, iframe, object, embed, nav, aside, form, button, select, input, "
    "textarea, dialog, head, [hidden], [aria-hidden=true], [role=navigation], [role=banner], [role=contentinfo], "
    "[role=search], [role=dialog]"
)


def main() -> None:
    asked = json.loads(sys.stdin.buffer.readline())
    limits = {
        resource.RLIMIT_CPU: int(asked["seconds"]) + 1, resource.RLIMIT_AS: asked["memory"],
        resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0, resource.RLIMIT_NPROC: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    sys.setrecursionlimit(20_000)
    text = READERS[asked["kind"]](sys.stdin.buffer.read(), asked["longest"])
    sys.stdout.buffer.write(text[: asked["longest"]].encode(errors="replace"))


def html(content: bytes, _: int) -> str:
    """The main part of a page as Markdown, its title first."""
    page: Any = BeautifulSoup(content, "html.parser")
    title = page.title.get_text(" ", strip=True) if page.title else ""
    main = page.select_one("main, [role=main]") or page
    for comment in main.find_all(string=lambda s: isinstance(s, Comment)):
        comment.extract()
    for one in main.select(NOISE):
        one.decompose()
    if main is page:
        # Those of the page; an article has a header and a footer of its own.
        for one in [e for e in page.find_all(["header", "footer"]) if not e.find_parent(["article", "section"])]:
            one.decompose()
    body = _markdown(main)
    return f"# {title}\n\n{body}" if title and title not in body[:500] else body


def pdf(content: bytes, longest: int) -> str:
    parts, size = [], 0
    for number, page in enumerate(pypdf.PdfReader(io.BytesIO(content)).pages, 1):
        text = page.extract_text().strip()
        parts.append(f"[page {number}]\n{text}")
        size += len(text)
        if size > longest:
            break
    return "\n\n".join(parts)


def docx(content: bytes, _: int) -> str:
    made = mammoth.convert_to_html(io.BytesIO(content), convert_image=mammoth.images.img_element(lambda _: {}))
    return _markdown(BeautifulSoup(made.value, "html.parser"))


def _markdown(soup: Any) -> str:
    converter = MarkdownConverter(heading_style="ATX", bullets="-", strip=["img"], escape_misc=False)
    lines = [line.rstrip() for line in converter.convert_soup(soup).splitlines()]
    kept = [line for n, line in enumerate(lines) if line or (n and lines[n - 1])]
    return "\n".join(kept).strip()


READERS = {"html": html, "pdf": pdf, "docx": docx}

main()
