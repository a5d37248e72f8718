"""`generate_document` and `generate_web_page`: what is made is found at an address that expires."""

import re

from hub.child_processes import GRACE
from hub.domain import Json
from hub.tools import child
from hub.tools.base import Context, Result, Tool, ToolFailed, schema
from hub.tools.builtin.common import Options, text
from hub.tools.generated_files import DAYS, PAGE_KIND, PDF_KIND, address, keep

HTML, PAGES = 500_000, 200
SECONDS = 20.0
_UNSAFE = re.compile(r"[^\w .()-]+")
DOCUMENT = schema(
    ["title", "html"],
    title=text("Title; it becomes the name of the file.", 200),
    html=text(
        "The whole document as HTML with its styles inside. Images only as data: addresses; nothing is fetched.", HTML
    ),
)
PAGE = schema(
    ["title", "html"],
    title=text("Title of the page.", 200),
    html=text("The whole page as HTML, with its styles and scripts inside. It cannot call other addresses.", HTML),
)


def generate_document(_: Options) -> Tool:
    return Tool("generate_document", "Makes a PDF of HTML and gives its address.", DOCUMENT, _document)


def generate_web_page(_: Options) -> Tool:
    return Tool("generate_web_page", "Puts a web page online and gives its address.", PAGE, _page)


async def _document(context: Context, arguments: Json) -> Result:
    title = arguments["title"]
    seconds = min(SECONDS, max(1.0, context.left - GRACE))
    made = await child.printed(context.hub.children, arguments["html"], title, seconds=seconds, pages=PAGES)
    if made.code == 3:
        raise ToolFailed(f"The document has more than {PAGES} pages; make it shorter.")
    if made.code:
        raise ToolFailed("The HTML cannot be printed; make it simpler.")
    kept = await keep(context, PDF_KIND, f"{named(title)}.pdf", "application/pdf", made.output)
    url = address(context, kept, hosted=True)
    return Result(f"The PDF '{title}' is at {url} for {DAYS} days.", files=(kept,))


async def _page(context: Context, arguments: Json) -> Result:
    content = arguments["html"].encode(errors="replace")
    kept = await keep(context, PAGE_KIND, f"{named(arguments['title'])}.html", "text/html; charset=utf-8", content)
    url = address(context, kept, hosted=True)
    # An address, not a file: what the person is to do with it is to open it.
    return Result(f"The page '{arguments['title']}' is at {url} for {DAYS} days.")


def named(title: str) -> str:
    """A title as the name of a file."""
    return " ".join(_UNSAFE.sub(" ", title).split()).strip(" .")[:100] or "document"
