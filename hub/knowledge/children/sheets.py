"""Spreadsheets: each row with the names of its columns, under the name of its sheet."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element

from hub.knowledge.children.archives import Archive, attribute, local, within
from hub.knowledge.children.common import Asked, No, Text, quoted, run
from hub.knowledge.children.office import spoken
from hub.knowledge.children.tables import NUMBER, SAMPLE, put

DATES = {14, 15, 16, 17, 22} | set(range(27, 37)) | set(range(50, 59))
TIMES, LASTING = {18, 19, 20, 21, 45, 46, 47}, 46
PERCENT = {9: "0%", 10: "0.00%"}
QUOTES = re.compile(r'"[^"]*"|\\.|_.|\[[^\]]*\]')
FILLED = re.compile(r"(?=.*00)(?:0|\\?[\s()/-]|\\\.)+")  # told with all its zeros, such as a post code
MONEY = re.compile(r"\[\$([^\]-]+)[^\]]*\]|(R\$|US\$|[$€£])")
ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")  # how a sheet writes signs that XML has not
WIDEST, MERGED = 1000, 20_000
CELLS = 10_000_000  # of one sheet, with those that are empty
QUOTED = 120
HEADER = 10  # rows of the longest header
LONGEST = 20  # characters of what names a cell
# What a number is (date, time, lasting, percent, filled, plain), and what stands before it, or how.
Format = tuple[str, str]
Merged = tuple[int, int, int, int]  # first row, last row, first column, last column of a cell


def xlsx(content: bytes, asked: Asked, text: Text) -> None:
    text.unit = "row"
    archive = Archive(content, asked, "xlsx", text.note)
    name = archive.main("xl/workbook.xml")
    book, targets = archive.xml(name), archive.targets(name)
    shared = _shared(archive)
    formats = _formats(archive)
    since = any(attribute(p, "date1904") in ("1", "true") for p in book.iter() if local(p) == "workbookPr")
    sheets = [one for one in book.iter() if local(one) == "sheet"]
    seen: set[str] = set()
    for number, one in enumerate(sheets, 1):
        name = one.get("name") or "Sheet"
        part = targets.get(next((v for k, v in one.attrib.items() if k.endswith("}id")), ""), "")
        if not targets:  # what tells of it is damaged
            part = f"xl/worksheets/sheet{number}.xml"
        if one.get("state") in ("hidden", "veryHidden"):
            text.note(f"The hidden sheet {name} was left out.")
        elif "chartsheet" in part:
            text.note(f"The chart {name} was not read.")
        elif part not in archive.names:
            text.note(f"The sheet {name} is not in the file.")
        elif part not in seen:
            seen.add(part)
            sheet = archive.side(part, f"The sheet {name} is damaged and was not read.")
            rows = _kept(_rows(sheet, name, shared, formats, since, text), asked)
            _sheet(text, name, rows, list(_merged(sheet)), asked)
            _beside(archive, part, name, text)
    if text.empty and archive.unread:
        raise archive.damaged()


def _beside(archive: Archive, part: str, name: str, text: Text) -> None:
    """What lies upon a sheet: text boxes are read, comments, charts and pictures told."""
    for one in (n for n in archive.targets(part).values() if n in archive.names and n.endswith(".xml")):
        if "/comments" in one or "/threadedComments/" in one:
            said = " ".join(_words(c) for c in archive.side(one).iter() if local(c) in ("comment", "threadedComment"))
            if said.strip():
                text.note(f"Comments on the sheet {name} were left out: {quoted(said, QUOTED)}")
        elif "/drawings/" in one:
            drawn = archive.side(one)
            for box in (b for b in drawn.iter() if local(b) == "txBody"):
                text.add("\n".join(said for p in box if local(p) == "p" and (said := _words(p).strip())))
            if any(local(d) in ("pic", "graphicFrame") for d in drawn.iter()):
                text.note(f"A chart or picture on the sheet {name} was not read.")


def _sheet(text: Text, name: str, rows: dict[int, list[str]], merged: list[Merged], asked: Asked) -> None:
    if not _spread(rows, merged):
        text.note(f"Too many cells of the sheet {name} go over several rows or columns: some were read only once.")
    if any(any(row) for row in rows.values()):
        text.add(f"## {name}")
        put(text, sorted(rows.items()), asked)


def _shared(archive: Archive) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.names:
        return []
    return [_words(one) for one in archive.xml("xl/sharedStrings.xml") if local(one) == "si"]


def _words(one: Element) -> str:
    """Its text without the reading aids of Japanese."""
    aids = {id(t) for aid in one.iter() if local(aid) == "rPh" for t in aid.iter()}
    said = "".join(t.text or "" for t in one.iter() if local(t) in ("t", "text") and id(t) not in aids)
    return ESCAPE.sub(lambda m: chr(int(m[1], 16)), said)


def _formats(archive: Archive) -> list[Format]:
    if "xl/styles.xml" not in archive.names:
        return []
    styles = archive.side("xl/styles.xml", "What tells dates and sums from numbers is damaged and was not read.")
    codes = {int(one.get("numFmtId", 0)): one.get("formatCode", "") for one in styles.iter() if local(one) == "numFmt"}
    used = next((one for one in styles if local(one) == "cellXfs"), None)
    return [_format(int(one.get("numFmtId", 0)), codes) for one in used or []]


def _format(number: int, codes: dict[int, str]) -> Format:
    if number in DATES or number in TIMES:
        return ("lasting" if number == LASTING else "time" if number in TIMES else "date"), ""
    code = codes.get(number, PERCENT.get(number, ""))
    if code.lower() in ("general", "standard", "@"):
        return "plain", ""
    plain = re.sub(r"(?<=[sS])\.0+", "", QUOTES.sub("", code))
    if re.search(r"\[[hms]+\]", code, re.IGNORECASE):
        return "lasting", ""
    if re.search(r"[ymdhs]", plain, re.IGNORECASE) and not re.search(r"[0#]", plain):
        return ("date" if re.search(r"[yd]", plain, re.IGNORECASE) else "time"), ""
    if "%" in plain:
        return "percent", ""
    if FILLED.fullmatch(code):
        return "filled", code.replace("\\", "")
    money = MONEY.search(code)
    return "plain", (money[1] or money[2]).strip() + " " if money else ""


def _rows(
    sheet: Element, name: str, shared: list[str], formats: list[Format], since: bool, text: Text
) -> Iterator[tuple[int, list[str]]]:
    number, hidden = 0, _hidden(sheet)
    for row in (one for one in sheet.iter() if local(one) == "row"):
        number = int(row.get("r") or number + 1)
        if row.get("hidden") in ("1", "true"):
            text.note("Hidden rows were left out.")
            continue
        cells: list[str] = []
        for cell in row:
            place = _column(cell.get("r")) if cell.get("r") else len(cells)
            if place >= WIDEST:
                text.note(_wide(name))
                break
            cells += [""] * (place + 1 - len(cells))
            said = " ".join(_cell(cell, shared, formats, since, text).split())
            if said and place in hidden:
                text.note("Hidden columns were left out.")
            else:
                cells[place] = said
        yield number, cells


def _kept(rows: Iterable[tuple[int, list[str]]], asked: Asked) -> dict[int, list[str]]:
    """The rows of a sheet, as long as they are not more than may be read."""
    found: dict[int, list[str]] = {}
    filled = cells = 0
    for number, row in rows:
        found[number] = row
        filled, cells = filled + any(row), cells + len(row)
        if filled > asked["rows"] + SAMPLE:
            raise No(f"has more than {asked['rows']:,} rows; split it")
        if cells > CELLS:
            raise No(f"has more than {CELLS:,} cells; split it")
    return found


def _hidden(sheet: Element) -> set[int]:
    return _covered((int(one.get("min") or 1) - 1, int(one.get("max") or 1) - 1) for one in sheet.iter()
                    if local(one) == "col" and one.get("hidden") in ("1", "true"))


def _covered(spans: Iterable[tuple[int, int]]) -> set[int]:
    """The columns from the first to the last of any of the spans."""
    found: set[int] = set()
    end = -1
    for first, last in sorted(set(spans)):
        found.update(range(max(first, end + 1), min(last, WIDEST) + 1))
        end = max(end, last)
    return found


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
    if kind == "e":
        text.note(f"Cells whose formula went wrong ({value}) were left out.")
        return ""
    if kind == "d":
        return re.sub(r"T00:00:00(?:\.0+)?Z?$", "", value).replace("T", " ")
    if kind != "n" or not value:
        return ESCAPE.sub(lambda m: chr(int(m[1], 16)), value)
    style = int(cell.get("s") or 0)
    return _shown(value, formats[style] if style < len(formats) else ("plain", ""), since)


def _shown(value: str, how: Format, since: bool) -> str:
    try:
        number = float(value)
    except ValueError:
        return value
    kind, before = how
    if kind == "lasting" and 0 <= number < 3_000_000:
        minutes = round(number * 1440)
        return f"{minutes // 60}:{minutes % 60:02}"
    if kind in ("date", "time") and 0 <= number < 3_000_000:
        at = datetime(1904, 1, 1) if since else datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet knows no zone
        at = (at + timedelta(days=number) + timedelta(milliseconds=500)).replace(microsecond=0)
        if kind == "time" and number < 1:
            return f"{at:%H:%M}"
        return f"{at:%Y-%m-%d}" if number == int(number) else f"{at:%Y-%m-%d %H:%M}"
    if kind == "filled" and number == int(number) >= 0:
        digits = f"{int(number):0{before.count('0')}}"
        more = len(digits) - before.count("0")
        rest = iter(digits[more:])
        return digits[:more] + re.sub("0", lambda _: next(rest), before)
    if kind == "percent":
        return f"{number * 100:.10g}%"
    before = "" if kind == "filled" else before
    shown = f"{number:.15g}" if "e" not in f"{number:.15g}" else value
    return f"{before}{number:.2f}" if before and number != int(number) else f"{before}{shown}"


def _column(reference: str | None) -> int:
    number = 0
    for letter in re.sub(r"[^A-Z]", "", (reference or "A")[:LONGEST].upper()):
        number = number * 26 + ord(letter) - 64
    return number - 1


def _merged(sheet: Element) -> Iterator[Merged]:
    for one in (m for m in sheet.iter() if local(m) == "mergeCell"):
        match = re.fullmatch(r"([A-Z]{1,4})(\d{1,9}):([A-Z]{1,4})(\d{1,9})", one.get("ref", ""))
        if match:
            yield int(match[2]), int(match[4]), _column(match[1]), min(_column(match[3]), WIDEST)


def _spread(rows: dict[int, list[str]], merged: list[Merged]) -> bool:
    """A cell that goes over several rows or columns stands in each of them, unless it is alone in its row: a title.
    False when that is too much: the others stand in the first of theirs.

    A header of several rows becomes one: "Price" above "Month" and "Year" makes "Price Month" and "Price Year".
    """
    filled, numbers, counts = 0, sorted(rows), dict[int, int]()
    for top, bottom, left, right in merged:
        value = rows.get(top, [])[left : left + 1]
        if not value or not value[0]:
            continue
        if top not in counts:
            counts[top] = sum(map(bool, rows[top]))
        if right > left and counts[top] == 1:
            continue
        after = min(right, WIDEST) + 1
        below = numbers[bisect_left(numbers, top) : bisect_right(numbers, bottom)]
        for number in below[: (MERGED - filled) // (after - left)]:
            row = rows[number]
            row += [""] * (after - len(row))
            row[left:after] = [cell or value[0] for cell in row[left:after]]
            counts.pop(number, None)
        filled += len(below) * (after - left)
        if filled > MERGED:
            break
    first = next((n for n, row in sorted(rows.items()) if sum(map(bool, row)) > 1), 0)
    wide = [m for m in merged if m[0] == first and m[3] > m[2]]
    if wide:
        last = max(first + 1, *(bottom for top, bottom, _, _ in merged if top == first))
    if wide and last - first < HEADER:
        _head(rows, first, last, _covered((m[2], m[3]) for m in wide))
    return filled <= MERGED


def _head(rows: dict[int, list[str]], first: int, last: int, parted: set[int]) -> None:
    """The rows of a header as one; not where the row below is none of it: it has numbers, or more than `parted`."""
    above = [rows[n] for n in range(first, last + 1) if n in rows]
    if any(NUMBER.match(c) for row in above for c in row if c) or max(rows) <= last:
        return
    width = max(map(len, above))
    columns = [[row[n] if n < len(row) else "" for row in above] for n in range(width)]
    if any(len(set(filter(None, column))) > 1 for n, column in enumerate(columns) if n not in parted):
        return
    rows[first] = [" ".join(dict.fromkeys(filter(None, column))) for column in columns]
    for n in range(first + 1, last + 1):
        rows.pop(n, None)


def ods(content: bytes, asked: Asked, text: Text) -> None:
    text.unit = "row"
    archive = Archive(content, asked, "ods")
    book = archive.xml("content.xml")
    unseen = {attribute(one, "name") for one in book.iter() if local(one) == "style" and any(
        attribute(p, "display") == "false" for p in one if local(p) == "table-properties")}
    for table in (one for one in book.iter() if local(one) == "table"):
        name = attribute(table, "name") or "Sheet"
        if attribute(table, "style-name") in unseen:
            text.note(f"The hidden sheet {name} was left out.")
            continue
        merged: list[Merged] = []
        rows = _kept(_open_rows(table, name, merged, text), asked)
        _sheet(text, name, rows, merged, asked)
        remarks = " ".join(spoken(p) for one in within(table) if local(one) == "annotation"
                           for p in one if local(p) == "p")
        if remarks.strip():
            text.note(f"Comments on the sheet {name} were left out: {quoted(remarks, QUOTED)}")


def _wide(name: str) -> str:
    return f"Columns of the sheet {name} after the first {WIDEST:,} were not read."


def _open_hidden(table: Element) -> set[int]:
    """Numbers of the columns that are not shown."""
    found: set[int] = set()
    at = 0
    for one in (c for c in within(table) if local(c) == "table-column"):
        times = min(WIDEST, int(attribute(one, "number-columns-repeated") or 1))
        if at < WIDEST and attribute(one, "visibility") in ("collapse", "filter"):
            found |= set(range(at, at + times))
        at += times
    return found


def _open_rows(table: Element, name: str, merged: list[Merged], text: Text) -> Iterator[tuple[int, list[str]]]:
    number, hidden = 0, _open_hidden(table)
    for row in (one for one in within(table) if local(one) == "table-row"):
        cells = _open_cells(row, number, name, merged, text)
        if any(cell for n, cell in enumerate(cells) if n in hidden):
            text.note("Hidden columns were left out.")
            cells = ["" if n in hidden else cell for n, cell in enumerate(cells)]
        while cells and not cells[-1]:
            cells.pop()
        times = int(attribute(row, "number-rows-repeated") or 1)
        if attribute(row, "visibility") in ("collapse", "filter"):
            if cells:
                text.note("Hidden rows were left out.")
            cells = []
        if cells and times > MERGED:
            text.note(f"Rows of the sheet {name} that are the same were read {MERGED:,} times only.")
        for n in range(1, (min(times, MERGED) if cells else 0) + 1):
            yield number + n, list(cells)
        number += times


def _open_cells(row: Element, number: int, name: str, merged: list[Merged], text: Text) -> list[str]:
    cells: list[str] = []
    for cell in row:
        said = " ".join(spoken(p) for p in cell if local(p) == "p") or _valued(cell)
        down, across = (int(attribute(cell, f"number-{what}-spanned") or 1) for what in ("rows", "columns"))
        if down > 1 or across > 1:
            merged.append((number + 1, number + down, len(cells), min(len(cells) + across - 1, WIDEST)))
        times, room = int(attribute(cell, "number-columns-repeated") or 1), WIDEST - len(cells)
        cells += [" ".join(said.split())] * min(room, times)
        if said and times > room:
            text.note(_wide(name))
    return cells


def _valued(cell: Element) -> str:
    """What a cell holds that has no words of its own: it was written by a program."""
    for name in ("date-value", "string-value", "value"):
        if said := attribute(cell, name):
            return said.removesuffix("T00:00:00").replace("T", " ") if name == "date-value" else said
    return ""


if __name__ == "__main__":
    run({"xlsx": xlsx, "ods": ods})
