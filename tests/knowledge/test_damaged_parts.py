"""Files of office programs of which a part is damaged: the others are read, and the lost one is told."""

import io
import zipfile
import zlib

import pytest

from hub.errors import Unreadable
from tests.knowledge import papers
from tests.knowledge.here import read
from tests.knowledge.test_far_side import word
from tests.knowledge.test_reading import OFFICE, PRESENT, packed, slide

REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
W = f'xmlns:w="{papers.WORD}" xmlns:r="{REL}"'
SHEET = '<w><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{}</t></is></c></row></sheetData></w>'


def document(text: str) -> bytes:
    """A Word file with all that stands beside its text, which it refers to."""
    body = (f'<w:p xmlns:r="{REL}"><w:r><w:t>{text}</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r>'
            '<w:hyperlink r:id="r8"><w:r><w:t>Site</w:t></w:r></w:hyperlink></w:p>')
    note = '<w:footnote w:id="2"><w:p><w:r><w:t>Na capital.</w:t></w:r></w:p></w:footnote>'
    return word(
        body, footnotes=f"<w:footnotes {W}>{note}</w:footnotes>", comments=f"<w:comments {W}/>",
        styles=f"<w:styles {W}/>", numbering=f"<w:numbering {W}/>", header1=f"<w:hdr {W}/>", footer1=f"<w:ftr {W}/>",
    )


def deck(text: str) -> bytes:
    return packed(**{
        "ppt/presentation.xml": f'<p:presentation {PRESENT}><p:sldId id="256" r:id="r1"/><p:sldId id="257" r:id="r2"/>'
                                "</p:presentation>",
        "ppt/_rels/presentation.xml.rels": '<r><x Id="r1" Target="slides/slide1.xml"/>'
                                           '<x Id="r2" Target="slides/slide2.xml"/></r>',
        "ppt/slides/slide1.xml": slide("One", text), "ppt/slides/slide2.xml": slide("Two", "It closes at six."),
        "ppt/slides/_rels/slide1.xml.rels": '<r><x Id="d" Target="../diagrams/data1.xml"/>'
                                            '<x Id="n" Target="../notesSlides/notesSlide1.xml"/></r>',
        "ppt/diagrams/data1.xml": "<d><pt><p><t>Box</t></p></pt></d>",
        "ppt/notesSlides/notesSlide1.xml": slide("Note", "Spoken."), "ppt/comments/comment1.xml": "<c/>",
    })


def book(text: str) -> bytes:
    return packed(**{
        "xl/workbook.xml": f'<w {PRESENT}><sheet name="One" r:id="r1"/><sheet name="Two" r:id="r2"/></w>',
        "xl/_rels/workbook.xml.rels": '<r><x Id="r1" Target="worksheets/sheet1.xml"/>'
                                      '<x Id="r2" Target="worksheets/sheet2.xml"/></r>',
        "xl/worksheets/sheet1.xml": SHEET.format(text), "xl/worksheets/sheet2.xml": SHEET.format("Two"),
        "xl/worksheets/_rels/sheet1.xml.rels": '<r><x Id="c" Target="../comments1.xml"/>'
                                               '<x Id="d" Target="../drawings/drawing1.xml"/></r>',
        "xl/styles.xml": "<s/>", "xl/comments1.xml": "<c/>", "xl/drawings/drawing1.xml": "<d/>",
    })


def open_text(text: str) -> bytes:
    return packed(**{"content.xml": f"<office:d {OFFICE}><office:text><text:p>{text}</text:p></office:text></office:d>",
                     "styles.xml": "<s/>", "meta.xml": "<m/>"})


def open_book(text: str) -> bytes:
    cell = f"<table:table-cell><text:p>{text}</text:p></table:table-cell>"
    return packed(**{"content.xml": f'<office:d {OFFICE}><table:table table:name="One"><table:table-row>{cell}'
                                    "</table:table-row></table:table></office:d>", "styles.xml": "<s/>"})


MAKERS = {"docx": document, "pptx": deck, "xlsx": book, "odt": open_text, "ods": open_book}
MAIN = {"docx": "word/document.xml", "pptx": "ppt/presentation.xml", "xlsx": "xl/workbook.xml",
        "odt": "content.xml", "ods": "content.xml"}
TEXTS = ("It opens at nine.", "Abre às dez.")
# Parts with words of the file: these are missed where they are damaged; all others are read nevertheless.
OWN = {"ppt/slides/slide1.xml": "Slide 1", "xl/worksheets/sheet1.xml": "The sheet One"}
NEVER_READ = (("odt", "meta.xml"), ("ods", "styles.xml"))


def changed(raw: bytes, name: str, how: str) -> bytes:
    """The file with one of its parts torn, with a wrong sum over it, or without it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as given, zipfile.ZipFile(made, "w") as new:
        for one in given.namelist():
            if one != name or how == "sum":
                new.writestr(one, given.read(one))
            elif how == "torn":
                new.writestr(one, given.read(one)[:-3] + b"<")
        told = new.getinfo(name).CRC if how == "sum" else 0
    wrong = ((told + 1) & 0xFFFFFFFF).to_bytes(4, "little")
    return made.getvalue().replace(told.to_bytes(4, "little"), wrong) if how == "sum" else made.getvalue()


def cases() -> list[tuple[str, str, str]]:
    found = []
    for kind, make in MAKERS.items():
        with zipfile.ZipFile(io.BytesIO(make(TEXTS[0]))) as given:
            found += [(kind, name, how) for name in given.namelist() if name != MAIN[kind] for how in ("torn", "sum")]
    return found


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("kind", "name", "how"), cases())
async def test_a_damaged_part_costs_what_it_holds(kind: str, name: str, how: str, text: str) -> None:
    found = await read(f"a.{kind}", changed(MAKERS[kind](text), name, how))
    own = OWN.get(name)
    assert (text in found.text) is (own is None)
    told = [n for n in found.notes if "damaged and was not read" in n]
    if (kind, name) in NEVER_READ:
        assert told == []
    else:
        assert len(told) == 1 and (own or "") in told[0]
    if kind in ("pptx", "xlsx") and name not in ("ppt/slides/slide2.xml", "xl/worksheets/sheet2.xml"):
        assert ("It closes at six." if kind == "pptx" else "Two") in found.text


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("how", ["torn", "sum"])
@pytest.mark.parametrize("kind", MAKERS)
async def test_a_damaged_main_part_is_refused_in_words(kind: str, how: str, text: str) -> None:
    with pytest.raises(Unreadable, match=f"a.{kind} is damaged"):
        await read(f"a.{kind}", changed(MAKERS[kind](text), MAIN[kind], how))


@pytest.mark.parametrize(("kind", "name", "words"), [
    ("pptx", "ppt/slides/slide2.xml", "Slide 2 is not in the file."),
    ("xlsx", "xl/worksheets/sheet2.xml", "The sheet Two is not in the file."),
])
@pytest.mark.parametrize("text", TEXTS)
async def test_a_part_that_is_not_there_is_told(kind: str, name: str, words: str, text: str) -> None:
    found = await read(f"a.{kind}", changed(MAKERS[kind](text), name, "gone"))
    assert text in found.text and words in found.notes


async def test_all_slides_damaged_is_a_damaged_file() -> None:
    raw = changed(changed(deck("x"), "ppt/slides/slide1.xml", "torn"), "ppt/slides/slide2.xml", "sum")
    with pytest.raises(Unreadable, match="is damaged"):
        await read("a.pptx", raw)


def test_the_sum_of_a_part_is_wrong() -> None:
    raw = changed(book("x"), "xl/styles.xml", "sum")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() == "xl/styles.xml"
        assert zlib.crc32(b"<s/>") != archive.getinfo("xl/styles.xml").CRC


@pytest.mark.parametrize("how", ["torn", "sum"])
async def test_damaged_words_of_all_sheets_are_a_damaged_file(how: str) -> None:
    """Numbers without the words that tell what they are would be found and believed."""
    cells = '<c r="A1" t="s"><v>0</v></c><c r="B1"><v>450</v></c>'
    with zipfile.ZipFile(io.BytesIO(book("x"))) as given:
        parts = {n: given.read(n).decode() for n in given.namelist()}
    parts["xl/worksheets/sheet1.xml"] = f'<w><sheetData><row r="1">{cells}</row></sheetData></w>'
    parts["xl/sharedStrings.xml"] = "<s><si><t>Mesa</t></si></s>"
    whole = packed(**parts)
    assert "Mesa" in (await read("a.xlsx", whole)).text
    with pytest.raises(Unreadable, match=r"^a\.xlsx is damaged, or is no XLSX\.$"):
        await read("a.xlsx", changed(whole, "xl/sharedStrings.xml", how))
