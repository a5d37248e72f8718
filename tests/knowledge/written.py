"""Documents of the made-up businesses as the files that businesses have, made of what is written of them."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from html import escape
from types import MappingProxyType

from tests.knowledge import papers
from tests.knowledge.here import read

_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEADING = re.compile(r"^(#{1,6}) +(.+)$")


async def contents(name: str, text: str) -> str:
    """What is kept of a document. Names without the end of a file are Markdown already."""
    make = MAKERS.get(name.rpartition(".")[2])
    return (await read(name, make(text))).text if make else text


def _word(text: str) -> bytes:
    """Headings, paragraphs and tables; lines of pipes are rows."""
    body, rows = "", ""
    for line in [*text.split("\n"), ""]:
        if line.startswith("|"):
            cells = "".join(f"<w:tc>{papers.paragraph(escape(c))}</w:tc>" for c in _cells(line))
            rows += f"<w:tr>{cells}</w:tr>"
            continue
        body, rows = body + (f"<w:tbl>{rows}</w:tbl>" if rows else ""), ""
        heading = _HEADING.match(line)
        if heading:
            body += papers.paragraph(escape(heading[2]), f"Heading{len(heading[1])}")
        elif line.strip():
            body += papers.paragraph(escape(line))
    return papers.docx(body)


def _book(text: str) -> bytes:
    """A sheet for each heading, of the rows below it."""
    sheets = [(part.split("\n")[0].strip(), part.split("\n")[1:]) for part in re.split(r"^## ", text, flags=re.M)[1:]]
    names = "".join(f'<sheet name="{escape(n)}" r:id="r{i}"/>' for i, (n, _) in enumerate(sheets))
    parts = {
        "xl/workbook.xml": f'<w xmlns:r="{_REL}">{names}</w>',
        "xl/_rels/workbook.xml.rels": "<r>" + "".join(
            f'<x Id="r{i}" Target="worksheets/s{i}.xml"/>' for i in range(len(sheets))) + "</r>",
    }
    for i, (_, lines) in enumerate(sheets):
        rows = [_cells(line) for line in lines if line.startswith("|")]
        parts[f"xl/worksheets/s{i}.xml"] = "<w><sheetData>" + "".join(
            f'<row r="{r}">' + "".join(
                f'<c r="{chr(65 + c)}{r}" t="inlineStr"><is><t>{escape(v)}</t></is></c>' for c, v in enumerate(row)
            ) + "</row>" for r, row in enumerate(rows, 1)
        ) + "</sheetData></w>"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return made.getvalue()


def _cells(line: str) -> list[str]:
    return [c.strip() for c in line.strip().strip("|").split("|")]


MAKERS: Mapping[str, Callable[[str], bytes]] = MappingProxyType({
    "docx": _word, "xlsx": _book, "html": str.encode, "csv": str.encode, "eml": str.encode,
})
