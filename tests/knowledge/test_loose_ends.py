"""Word files that refer to what is not there or damaged: what can be read of them is, with its notes and links."""

import io
import zipfile

import pytest

from tests.knowledge import papers
from tests.knowledge.here import read
from tests.knowledge.test_damaged_parts import REL, W, changed
from tests.knowledge.test_far_side import NOTE, word
from tests.knowledge.test_reading import packed

HREF = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"


def told(link: str = "r8", inside: str = "") -> bytes:
    """A price with a footnote and a link."""
    body = ('<w:p><w:r><w:t>Massage 40</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r>'
            f'<w:hyperlink xmlns:r="{REL}" r:id="{link}"><w:r><w:t>Site</w:t></w:r></w:hyperlink></w:p>')
    words = f'<w:hyperlink r:id="{inside}"><w:r><w:t>Only on weekdays</w:t></w:r></w:hyperlink>'
    said = words if inside else "<w:r><w:t>Only on weekdays</w:t></w:r>"
    note = f'<w:footnote w:id="2"><w:p>{said}</w:p></w:footnote>'
    made = word(body, footnotes=f"<w:footnotes {W}>{note}</w:footnotes>", comments=f"<w:comments {W}/>",
                styles=f"<w:styles {W}/>", header1=f"<w:hdr {W}/>")
    return changed_to(made, "word/_rels/document.xml.rels", (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r9" Type="{NOTE}" Target="footnotes.xml"/>'
        f'<Relationship Id="r8" Type="{HREF}" Target="https://spa.example/" TargetMode="External"/></Relationships>'))


def changed_to(raw: bytes, name: str, text: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as given:
        parts = {one: given.read(one).decode() for one in given.namelist()}
    return packed(**(parts | {name: text}))


@pytest.mark.parametrize("how", ["torn", "sum"])
@pytest.mark.parametrize("name", ["word/header1.xml", "word/comments.xml", "word/styles.xml"])
async def test_what_is_damaged_beside_them_costs_no_notes_and_links(name: str, how: str) -> None:
    found = await read("a.docx", changed(told(), name, how))
    assert "Only on weekdays" in found.text and "https://spa.example/" in found.text
    assert [n for n in found.notes if name in n and "damaged" in n]


@pytest.mark.parametrize("how", ["torn", "sum"])
async def test_damaged_notes_cost_no_links_and_damaged_ends_of_links_no_notes(how: str) -> None:
    found = await read("a.docx", changed(told(), "word/footnotes.xml", how))
    assert "weekdays" not in found.text and "https://spa.example/" in found.text
    found = await read("a.docx", changed(told(), "word/_rels/document.xml.rels", how))
    assert "Only on weekdays" in found.text and "Site" in found.text and "spa.example" not in found.text


@pytest.mark.parametrize("raw", [told(link="r77"), told(inside="r5"), told(link="r77", inside="r5")])
async def test_a_link_that_leads_nowhere_is_a_word(raw: bytes) -> None:
    found = await read("a.docx", raw)
    assert "Massage 40" in found.text and "Site" in found.text and "Only on weekdays" in found.text


async def test_a_picture_that_is_nowhere_is_no_damage() -> None:
    a = "http://schemas.openxmlformats.org/drawingml/2006/main"
    body = ('<w:p><w:r><w:t>Open at nine</w:t></w:r><w:r><w:drawing><wp:inline '
            'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">'
            f'<a:graphic xmlns:a="{a}"><a:graphicData><pic:pic xmlns:pic="{a}/picture"><pic:blipFill>'
            f'<a:blip xmlns:r="{REL}" r:embed="r44"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline>'
            "</w:drawing></w:r></w:p>")
    assert "Open at nine" in (await read("a.docx", papers.docx(body))).text
