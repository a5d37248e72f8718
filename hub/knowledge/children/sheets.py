"""Spreadsheets: each row with the names of its columns, under the name of its sheet."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element

from hub.knowledge.children.archives import Archive, attribute, local
from hub.knowledge.children.common import Asked, Text, run
from hub.knowledge.children.office import spoken
from hub.knowledge.children.tables import put

BOOK = "xl/workbook.xml"
DATES = {14, 15, 16, 17, 22} | set(range(27, 37)) | set(range(50, 59))
TIMES = {18, 19, 20, 21, 45, 46, 47}
PERCENT = {9: "0%", 10: "0.00%"}
QUOTES = re.compile(r'"[^"]*"|\\.|\[(?!\$)[^\]]*\]')
MONEY = re.compile(r"R\$|US\$|[$€£]")
WIDEST, MERGED = 1000, 20_000
Format = tuple[str, str]  # what a number is (date, time, percent, plain), and what stands before it


def xlsx(content: bytes, asked: Asked, text: Text) -> None:
    text.unit = "row"
    archive = Archive(content, asked, "xlsx")
    book, targets = archive.xml(BOOK), archive.targets(BOOK)
    shared = _shared(archive)
    formats = _formats(archive)
    since = any(attribute(p, "date1904") in ("1", "true") for p in book.iter() if local(p) == "workbookPr")
    sheets = [one for one in book.iter() if local(one) == "sheet"]
    for one in sheets:
        name = one.get("name") or "Sheet"
        part = targets.get(next((v for k, v in one.attrib.items() if k.endswith("}id")), ""), "")
        if one.get("state") in ("hidden", "veryHidden"):
            text.note(f"The hidden sheet {name} was left out.")
        elif part in archive.names and "chartsheet" not in part:
            rows = _rows(archive.xml(part), shared, formats, since, text)
            _sheet(text, name, rows, asked)


def _sheet(text: Text, name: str, rows: list[tuple[int, list[str]]], asked: Asked) -> None:
    if any(any(row) for _, row in rows):
        text.add(f"## {name}")
        put(text, rows, asked)


def _shared(archive: Archive) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.names:
        return []
    return [_words(one) for one in archive.xml("xl/sharedStrings.xml") if local(one) == "si"]


def _words(one: Element) -> str:
    """Its text without the reading aids of Japanese."""
    aids = {id(t) for aid in one.iter() if local(aid) == "rPh" for t in aid.iter()}
    return "".join(t.text or "" for t in one.iter() if local(t) == "t" and id(t) not in aids)


def _formats(archive: Archive) -> list[Format]:
    if "xl/styles.xml" not in archive.names:
        return []
    styles = archive.xml("xl/styles.xml")
    codes = {int(one.get("numFmtId", 0)): one.get("formatCode", "") for one in styles.iter() if local(one) == "numFmt"}
    used = next((one for one in styles if local(one) == "cellXfs"), None)
    return [_format(int(one.get("numFmtId", 0)), codes) for one in used or []]


def _format(number: int, codes: dict[int, str]) -> Format:
    if number in DATES or number in TIMES:
        return ("time" if number in TIMES else "date"), ""
    code = codes.get(number, PERCENT.get(number, ""))
    plain = QUOTES.sub("", code)
    if re.search(r"[ymdhs]", plain, re.IGNORECASE) and not re.search(r"[0#]", plain):
        return ("date" if re.search(r"[yd]", plain, re.IGNORECASE) else "time"), ""
    if "%" in plain:
        return "percent", ""
    money = MONEY.search(code)
    return "plain", money[0] + " " if money else ""


def _rows(
    sheet: Element, shared: list[str], formats: list[Format], since: bool, text: Text
) -> list[tuple[int, list[str]]]:
    found: dict[int, list[str]] = {}
    number = 0
    for row in (one for one in sheet.iter() if local(one) == "row"):
        number = int(row.get("r") or number + 1)
        if row.get("hidden") in ("1", "true"):
            text.note("Hidden rows were left out.")
            continue
        cells: list[str] = []
        for cell in row:
            place = _column(cell.get("r")) if cell.get("r") else len(cells)
            if place >= WIDEST:
                break
            cells += [""] * (place + 1 - len(cells))
            cells[place] = " ".join(_cell(cell, shared, formats, since, text).split())
        found[number] = cells
    _spread(sheet, found)
    return sorted(found.items())


def _cell(cell: Element, shared: list[str], formats: list[Format], since: bool, text: Text) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _words(cell)
    value = next((one.text or "" for one in cell if local(one) == "v"), "")
    if not value and any(local(one) == "f" for one in cell):
        text.note("Formulas without a saved result were left out; open and save the file in a spreadsheet program.")
    if kind == "s":
        return shared[int(value)] if value.isdigit() and int(value) < len(shared) else ""
    if kind == "b":
        return "yes" if value == "1" else "no"
    if kind != "n" or not value:
        return value
    style = int(cell.get("s") or 0)
    return _shown(value, formats[style] if style < len(formats) else ("plain", ""), since)


def _shown(value: str, how: Format, since: bool) -> str:
    try:
        number = float(value)
    except ValueError:
        return value
    kind, before = how
    if kind in ("date", "time") and 0 <= number < 3_000_000:
        at = datetime(1904, 1, 1) if since else datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet knows no zone
        at = (at + timedelta(days=number) + timedelta(milliseconds=500)).replace(microsecond=0)
        if kind == "time" and number < 1:
            return f"{at:%H:%M}"
        return f"{at:%Y-%m-%d}" if number == int(number) else f"{at:%Y-%m-%d %H:%M}"
    if kind == "percent":
        return f"{number * 100:.10g}%"
    shown = f"{number:.15g}" if "e" not in f"{number:.15g}" else value
    return f"{before}{number:.2f}" if before and number != int(number) else f"{before}{shown}"


def _column(reference: str | None) -> int:
    number = 0
    for letter in re.sub(r"[^A-Z]", "", (reference or "A").upper()):
        number = number * 26 + ord(letter) - 64
    return number - 1


def _spread(sheet: Element, rows: dict[int, list[str]]) -> None:
    """A cell that goes over several rows stands in each of them."""
    filled = 0
    for one in (m for m in sheet.iter() if local(m) == "mergeCell"):
        match = re.fullmatch(r"([A-Z]+)(\d+):([A-Z]+)(\d+)", one.get("ref", ""))
        if not match:
            continue
        column, top, bottom = _column(match[1]), int(match[2]), int(match[4])
        value = rows.get(top, [])[column : column + 1]
        for number in range(top + 1, min(bottom, top + MERGED) + 1):
            if value and number in rows and filled < MERGED:
                row = rows[number]
                row += [""] * (column + 1 - len(row))
                row[column] = row[column] or value[0]
                filled += 1


def ods(content: bytes, asked: Asked, text: Text) -> None:
    text.unit = "row"
    archive = Archive(content, asked, "ods")
    for table in (one for one in archive.xml("content.xml").iter() if local(one) == "table"):
        _sheet(text, attribute(table, "name") or "Sheet", list(_open_rows(table)), asked)


def _open_rows(table: Element) -> Iterator[tuple[int, list[str]]]:
    number = 0
    for row in (one for one in table.iter() if local(one) == "table-row"):
        cells: list[str] = []
        for cell in row:
            said = " ".join(spoken(p) for p in cell if local(p) == "p") or attribute(cell, "value") or ""
            cells += [" ".join(said.split())] * min(WIDEST, int(attribute(cell, "number-columns-repeated") or 1))
        while cells and not cells[-1]:
            cells.pop()
        times = int(attribute(row, "number-rows-repeated") or 1)
        for n in range(1, (min(times, MERGED) if cells else 0) + 1):
            yield number + n, cells
        number += times


if __name__ == "__main__":
    run({"xlsx": xlsx, "ods": ods})
