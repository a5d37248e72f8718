"""Small files that swell when they are read: what is done for them is bounded, and what was cut is told."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from types import FrameType
from typing import Any

import pytest

from hub.errors import Unreadable
from hub.knowledge.children import grids, sheets, texts, web
from hub.knowledge.children.archives import PADDED, cells
from hub.knowledge.children.common import No, Text
from hub.knowledge.children.soups import BeautifulSoup
from hub.knowledge.chunk import LONGEST, pieces
from hub.knowledge.extract import LIMITS
from tests.knowledge.here import read
from tests.knowledge.test_dialects import book, row
from tests.knowledge.test_reading import OFFICE, packed

ASKED = asdict(LIMITS) | {"cut": False, "links": False}
ONE = "<table:table-row {}><table:table-cell {}><text:p>x</text:p></table:table-cell></table:table-row>"


def calls(work: Callable[[], object]) -> int:
    """How many functions are called in it."""
    count, before = 0, sys.getprofile()

    def called(_frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def spread(page: str) -> Callable[[], object]:
    soup = BeautifulSoup(page, "html.parser")
    return lambda: grids.spread(soup, str)


def nested(levels: int, cell: str = "th") -> str:
    return f"<table><tr><{cell}>Day</{cell}><td>" * levels + "x" + "</td></tr></table>" * levels


def sheet(*rows: str, tables: int = 1) -> bytes:
    one = f'<table:table table:name="One">{"".join(rows)}</table:table>'
    return packed(**{"content.xml": f"<office:d {OFFICE}>{one * tables}</office:d>"})


@pytest.mark.parametrize("cell", ["th", "td"])
def test_tables_within_tables_are_each_looked_at_once(cell: str) -> None:
    few, many = (calls(spread(nested(levels, cell))) for levels in (40, 160))
    assert many < 8 * few


@pytest.mark.parametrize("cell", ["th", "td"])
def test_tables_beside_each_other_within_one(cell: str) -> None:
    inner = "<table><tr><th>a</th><td>b</td></tr></table>"
    few, many = (calls(spread(f"<table><tr><{cell}>Day</{cell}><td>{inner * n}</td></tr></table>")) for n in (50, 200))
    assert many < 6 * few


async def test_values_within_values_are_all_read() -> None:
    found = (await read("a.html", f"<main><p>Hours</p>{nested(6)}</main>")).text
    assert found.count("Day") == 6 and found.count("x") == 1


@pytest.mark.parametrize("cell", ["<td rowspan=9000>x</td>", "<td rowspan=9000><b>x</b> <i>y</i></td>",
                                  f"<td rowspan=9000>{'word ' * 2000}</td>"])
def test_cells_of_a_page_are_copied_within_a_bound(cell: str) -> None:
    first = "<tr><th>Name</th></tr><tr><td>kept</td></tr>"
    page = f"<table>{first}</table><table><tr>{cell * 40}</tr>{'<tr><td>last</td></tr>' * 3000}</table>"
    soup, told = BeautifulSoup(page, "html.parser"), list[str]()
    before = len(list(soup.descendants))
    grids.spread(soup, told.append)
    assert len(list(soup.descendants)) < before + grids.COPIED and len(soup.get_text()) < grids.COPIED * 2 * grids.WORDS
    kept = len([r for r in soup.find_all("tr") if "last" in r.get_text()])
    assert told == [f"{3000 - kept} rows of tables were not read: too many cells go over several rows or columns."]
    assert "kept" in soup.get_text()


async def test_columns_of_thousands_are_told_and_other_tables_read() -> None:
    wide = f"<table>{('<tr>' + '<td colspan=5000>x</td>' * 20 + '</tr>') * 300}</table>"
    goods = "<table><tr><th>Item</th><th>Price</th></tr><tr><td>Table</td><td>450</td></tr></table>"
    found = await read("a.html", f"<main>{wide}{goods}</main>")
    assert "| Table | 450 |" in found.text and any("rows of tables were not read" in n for n in found.notes)
    few = "<table><tr><th>A</th><th>B</th></tr>" + "<tr><td rowspan=2>x</td><td>1</td></tr><tr><td>2</td></tr>" * 500
    found = await read("a.html", f"<main>{few}</table></main>")
    assert found.text.count("| x | 2 |") == 500 and found.notes == ()


@pytest.mark.parametrize("ref", ["A1:XFD1048576", "A1:A1048576", "A1:ALL60000"])
async def test_merged_cells_of_millions(ref: str) -> None:
    rows = [row(n, "x" if n == 1 else "", f"y{n}.") for n in range(1, 60)] + [row(60_000, "", "far")]
    made = book("".join(rows), f'<m>{f"<mergeCell ref={ref!r}/>" * 3000}</m>'.replace("'", '"'))
    found = await read("a.xlsx", made)
    assert all(f"y{n}." in found.text for n in range(1, 60)) and "far" in found.text
    assert [n for n in found.notes if "Too many cells of the sheet S go over several rows or columns" in n]
    assert len(found.text) < 20 * sheets.MERGED


def test_merges_are_counted_by_rows_that_are_there() -> None:
    rows = {n: ["x", "y"] for n in (1, 900_000)}
    many = [(1, 1_048_576, 0, sheets.WIDEST)] * 5000
    assert calls(lambda: sheets._spread(rows, many)) < 40_000
    assert max(map(len, rows.values())) <= sheets.WIDEST + 1


async def test_a_sheet_that_is_wide_and_long_in_name_only() -> None:
    cell = '<c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c>'
    made = book(row(1, "Item", "Price") + row(2, "Table", 450) + f'<row r="1048576">{cell}</row>',
                head='<dimension ref="A1:XFD1048576"/>')
    found = await read("a.xlsx", made)
    assert "Item: Table\nPrice: 450" in found.text
    assert found.notes == ("Columns of the sheet S after the first 1,000 were not read.",)
    far = "".join(f'<row r="{n}"><c r="ALK{n}"><v>1</v></c></row>' for n in range(1, 10_200))
    with pytest.raises(Unreadable, match="more than 10,000,000 cells; split it"):
        await read("a.xlsx", book(far))


async def test_rows_and_columns_that_are_repeated_a_million_times() -> None:
    times = 'table:number-{}-repeated="1000000"'
    found = await read("a.ods", sheet(ONE.format("", times.format("columns"))))
    assert found.text.count("x") == sheets.WIDEST
    assert found.notes == ("Columns of the sheet One after the first 1,000 were not read.",)
    found = await read("a.ods", sheet(ONE.format(times.format("rows"), "")))
    assert len((found.places or {})["starts"]) == sheets.MERGED - 1  # the first of them is the header
    assert found.notes == ("Rows of the sheet One that are the same were read 20,000 times only.",)
    with pytest.raises(Unreadable, match="more than 50,000 rows; split it"):
        await read("a.ods", sheet(*[ONE.format(times.format("rows"), "")] * 200))


@pytest.mark.parametrize("levels", [30, 300])
async def test_open_documents_within_themselves(levels: int) -> None:
    """Each row belongs to its own table: it was once read again for each table around it."""
    start = "<table:table><table:table-row><table:table-cell><text:p>y</text:p>"
    end = "</table:table-cell></table:table-row></table:table>"
    inner = start * levels + end * levels
    found = await read("a.odt", packed(**{
        "content.xml": f"<office:d {OFFICE}><office:text>{inner}</office:text></office:d>"}))
    assert found.text.count("y") == levels
    assert (await read("a.ods", sheet(*[inner]))).text.count("y") == levels


async def test_blanks_and_short_rows_are_not_made_long() -> None:
    said = '<text:p>x<text:s text:c="1000000000"/>y</text:p>'
    found = await read("a.odt", packed(**{
        "content.xml": f"<office:d {OFFICE}><office:text>{said}</office:text></office:d>"}))
    assert found.text.startswith("x ") and len(found.text) < 200
    assert len(cells([["x"] * 5000, *[["y"]] * 5000])) < 10 * PADDED
    assert cells([["a", "b"], ["c"]]).endswith("| c |  |")


async def test_parts_that_are_named_thousands_of_times_are_read_once() -> None:
    book_of = "<o><item id='i' href='c.html'/>" + "<itemref idref='i'/>" * 5000 + "</o>"
    found = await read("a.epub", packed(**{
        "META-INF/container.xml": '<c><rootfile full-path="b.opf"/></c>', "b.opf": book_of, "c.html": "<p>Once.</p>"}))
    assert found.text == "Once."
    text = Text(ASKED)
    texts.rtf(b"{\\rtf1 " + b"{" * 100_000 + b"deep" + b"}" * 100_000, ASKED, text)
    assert "deep" in text.told()


@pytest.mark.parametrize(("name", "raw", "words"), [
    ("a.csv", "a" * 3_000_000, "has more than 1,000,000 characters"),
    ("a.csv", "," * 3_000_000, "has more than 1,000,000 characters"),
    ("a.html", "<div>" * 30_000, "nested too deeply"), ("a.xml", "<a>" * 20_000 + "x" + "</a>" * 20_000, "nested too"),
])
async def test_why_a_file_is_not_read(name: str, raw: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        await read(name, raw)


@pytest.mark.parametrize("text", ["|" * 300_000, "|" * 300_000 + "\n" + "-|" * 50_000, "| a " * 100_000])
def test_lines_of_pipes_are_cut_at_once(text: str) -> None:
    """Each pipe was once tried as the end of a table's header: minutes for one line."""
    found = pieces(text)
    assert "".join(p.body for p in found) == text and all(len(p.body) <= LONGEST and not p.head for p in found)


def test_a_page_nested_too_deeply_says_so() -> None:
    with pytest.raises(No, match="nested too deeply"):
        web.read(b"<ul><li>" * 5000, ASKED, Text(ASKED))
