"""Files as real programs write them once in a while: nothing of them is lost in silence, and none takes long."""

import io
import zipfile
from collections.abc import Callable

import pytest

from hub.knowledge.children import web
from hub.knowledge.children.common import Text
from hub.knowledge.children.soups import BeautifulSoup, drop
from hub.llm.extractive import TEXTS, Answering
from tests.knowledge.here import read
from tests.knowledge.papers import docx
from tests.knowledge.test_wide_files import ASKED, calls
from tests.llm.test_surety import passage

NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def said(words: str) -> str:
    return f"<w:r><w:t>{words}</w:t></w:r>"


CHOICE = (
    '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList>{}<w:listEntry w:val="Small"/>'
    '<w:listEntry w:val="Large"/></w:ddList></w:ffData></w:fldChar></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
)


@pytest.mark.parametrize(("body", "words"), [
    (f'<w:bdo w:val="ltr">{said("one")}</w:bdo><w:dir w:val="ltr">{said(" two")}</w:dir>', "one two"),
    (f'<w:r><w:ruby><w:rt>{said("over")}</w:rt><w:rubyBase>{said("base")}</w:rubyBase></w:ruby></w:r>', "base"),
    ("<w:r><w:t>one</w:t><w:cr/><w:t>two</w:t></w:r>", "one two"),
    (said("Size: ") + CHOICE.format('<w:result w:val="1"/>'), "Size: Large"),
    (said("Size: ") + CHOICE.format(""), "Size: Small"),
    (f"<w:sdt><w:sdtContent><w:sdt><w:sdtContent>{said('deep')}</w:sdtContent></w:sdt></w:sdtContent></w:sdt>", "deep"),
    (f'<w:smartTag w:element="place">{said("Faro")}</w:smartTag>', "Faro"),
])
async def test_words_within_what_stands_around_them(body: str, words: str) -> None:
    found = await read("a.docx", docx(f"<w:p>{body}</w:p>"))
    assert found.text.split() == words.split()


async def test_a_record_that_is_called_as_a_paragraph() -> None:
    found = (await read("a.xml", "<c><p sku='A1'><n>Tea</n><v>7</v></p><p>Plain <b>words</b>.</p></c>")).text
    assert "n: Tea\nv: 7" in found and "Plain words." in found


async def test_a_long_cell_of_a_table() -> None:
    long = "word " * 40_000
    found = (await read("a.csv", f'Name;Text\nx;"{long}"\ny;short\n')).text
    assert found.count("word") == 40_000 and found.endswith("Name: y\nText: short")


def test_many_parts_are_taken_out_at_once() -> None:
    def page(count: int) -> Callable[[], object]:
        soup = BeautifulSoup("<p>kept</p><nav>x</nav>" * count, "html.parser")
        return lambda: drop(soup.find_all("nav"))

    few, many = (calls(page(n)) for n in (200, 800))
    assert many < 6 * few
    soup = BeautifulSoup("<main><p>a<i>b<b>c</b></i></p><i>d</i><p>e</p></main>", "html.parser")
    drop(soup.find_all(["i", "b"]))
    assert str(soup) == "<main><p>a</p><p>e</p></main>" and soup.get_text() == "ae"
    text = Text(ASKED)
    assert web.page("<main>" + "<p>kept</p><!-- x --><button>y</button><p hidden>z</p>" * 50 + "</main>", text)


def deck(ids: int) -> bytes:
    """A list of slides of which the file has none but the first."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        listed = "".join(f'<sldId id="{n}" r:id="r{n}"/>' for n in range(ids))
        archive.writestr("ppt/presentation.xml", f'<p xmlns:r="{NS}">{listed}</p>')
        parts = "".join(f'<r Id="r{n}" Target="slides/slide{n}.xml"/>' for n in range(ids))
        archive.writestr("ppt/_rels/presentation.xml.rels", f"<r>{parts}</r>")
        archive.writestr("ppt/slides/slide0.xml", "<s><sp><txBody><p><r><t>Hello</t></r></p></txBody></sp></s>")
    return made.getvalue()


async def test_slides_that_are_not_there_are_told_and_bounded() -> None:
    found = await read("a.pptx", deck(20_000))
    assert "Hello" in found.text and found.notes[0] == "Slide 2 is not in the file."
    assert found.notes[-1] == "19979 more remarks of this kind are not listed."
    text = Text(ASKED)
    for n in range(100):
        text.note(f"{n % 50}")
    assert len(text.notes) == 20 and "30 more remarks" in text.told()


HEAD = "| Serviço | Sessões | Restrições |\n|---|---|---|\n"
TABLE = f"{HEAD}| Banho | 3 | none |\n| Tosa | - | none |\n| Ofurô | n/a | none |"


@pytest.mark.parametrize("question", ["Quantas sessões tem a tosa?", "Quantas sessões tem o ofurô?"])
def test_a_cell_that_holds_nothing_is_no_number(question: str) -> None:
    assert Answering(question, [passage(TABLE)]).reply() == TEXTS["nothing"]["pt"]
    assert "3" in Answering("Quantas sessões tem o banho?", [passage(TABLE)]).reply()
    assert "none" in Answering("Quantas restrições tem a tosa?", [passage(TABLE)]).reply()
