"""Documents and slides of office programs as Markdown."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers.expat import ExpatError

import mammoth

from hub.knowledge.children.archives import BROKEN, Archive, Damaged, attribute, cells, local, within
from hub.knowledge.children.common import Asked, Text, quoted, run
from hub.knowledge.children.soups import BeautifulSoup, drop
from hub.knowledge.children.web import markdown

# Parts that are read beside the body, or tell where parts are.
READ = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|word/_rels/[^/]+\.rels|word/(?:styles|numbering|footnotes|endnotes|comments)\d*\.xml")
NOTES = re.compile(r"word/(footnote|endnote)s\d*\.xml")
REFERS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
BODY = "word/document.xml"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
QUOTED = 120
BLANKS = 100  # as many as an OpenDocument file may say at once
NOTE = 400  # characters of the longest footnote that stands where it belongs; longer ones stay at the end
DIAGRAM, CHART = re.compile(r"diagrams/data\d*\.xml$"), re.compile(r"charts/chart(?:Ex)?\d*\.xml$")
# Elements that only stand around runs of words, of which the reader knows nothing.
AROUND = ("fldSimple", "bdo", "dir")
OFF = ("0", "false", "off")
UNREAD = ((("chart", "relIds"), "A chart or drawing in it was not read."),
          (("altChunk",), "A document within the document was not read; open and save it in a word processor."))


def docx(content: bytes, asked: Asked, text: Text) -> None:
    archive = Archive(content, asked, "docx", text.note)
    name = archive.main(BODY)
    body = archive.xml(name)
    _beside(archive, text)
    sound = [one for one in sorted(archive.names) if not READ.fullmatch(one) or one == name or archive.sound(one)]
    parts = {name: body} | {one: archive.xml(one) for one in sound if NOTES.match(one)}
    loose = [_tied(part, archive.targets(one), archive.unread) for one, part in parts.items()]
    if _mended(body, text) or any(loose) or archive.unread:
        content = _with(archive, sound, parts)
    pictures: list[object] = []

    def passed(picture: object) -> list[object]:
        pictures.append(picture)
        return []

    try:
        made = mammoth.convert_to_html(io.BytesIO(content), convert_image=passed)
    except (*BROKEN, KeyError, AttributeError, ExpatError):
        raise archive.damaged() from None
    if pictures:
        text.note("A picture in it was not read." if len(pictures) == 1 else f"{len(pictures)} pictures were not read.")
    soup = BeautifulSoup(made.value, "html.parser")
    drop(soup.find_all("img"))
    _noted(soup)
    text.add(markdown(soup, text.note))


def _noted(soup: BeautifulSoup) -> None:
    """Footnotes in brackets where they belong: a price and its "only on weekdays" are found together."""
    told = list[Any]()
    for note in soup.find_all("li", id=re.compile(r"^(?:foot|end)note-")):
        for back in note.find_all("a", href=re.compile(r"^#(?:foot|end)note-ref-")):
            back.decompose()
        said = " ".join(note.get_text(" ").split())
        marks = soup.find_all("a", href=f"#{note['id']}")
        if len(said) <= NOTE and marks:
            for mark in marks:
                (mark.find_parent("sup") or mark).replace_with(f" ({said})" if said else "")
            told.append(note)
    drop(told)
    drop([listed for listed in soup.find_all("ol") if not listed.find("li")])


def _mended(body: Element, text: Text) -> bool:
    """Take hidden words out, put text boxes where they are read. Whether anything was changed."""
    changed, hidden = False, list[str]()
    for above in list(body.iter()):
        kept = _kept(above, hidden)
        if kept != list(above):
            above[:] = kept
            changed = True
    for what, words in UNREAD:
        if any(local(one) in what for one in body.iter()):
            text.note(words)
    deleted = (t.text or "" for t in body.iter(f"{WORD}delText"))
    for kind in (hidden, deleted):
        if told := " ".join("".join(kind).split()):
            said = quoted(told, QUOTED)
            text.note(f"Hidden text was left out: {said}" if kind is hidden
                      else f"What was deleted with tracked changes was left out: {said}")
    return changed


def _kept(above: Element, hidden: list[str]) -> list[Element]:
    """What an element holds when it is mended; what it hides is added to `hidden`."""
    pending, kept = list(reversed(above)), list[Element]()
    while pending:
        one = pending.pop()
        if local(one) == "r" and _vanishes(one):
            hidden.append("".join(t.text or "" for t in one.iter(f"{WORD}t")))
        elif local(one) in AROUND:
            pending += reversed(one)
            del one[:]  # it is looked at once: what a field hides stays hidden
        else:
            parts = _instead(one)
            kept += [one] if parts is None else parts
    return kept


def _instead(one: Element) -> list[Element] | None:
    """What is read in place of a part that would be passed over: text boxes, formulas."""
    name = local(one)
    if name in ("AlternateContent", "drawing"):
        boxes = list(one.iter(f"{WORD}txbxContent"))
        read = name == "AlternateContent" and any(local(c) == "Fallback" for c in one)
        return boxes if boxes and not read else None
    if name == "ruby":
        return [run for base in one if local(base) == "rubyBase" for run in base]
    if name == "cr":
        return [Element(f"{WORD}br")]
    if name == "fldChar" and (said := _choice(one)):
        words = Element(f"{WORD}t")
        words.text = said
        return [one, words]
    if name in ("oMath", "oMathPara"):
        run = Element(f"{WORD}r")
        ElementTree.SubElement(run, f"{WORD}t").text = _formula(one)
        return [run]
    return None


def _choice(field: Element) -> str:
    """What is chosen in the list of a form."""
    offered = field.find(f"{WORD}ffData/{WORD}ddList")
    if offered is None:
        return ""
    result = offered.find(f"{WORD}result")
    entries = [attribute(one, "val") or "" for one in offered if local(one) == "listEntry"]
    chosen = (attribute(result, "val") if result is not None else None) or "0"
    return entries[int(chosen)] if chosen.isdigit() and int(chosen) < len(entries) else ""


def _formula(one: Element) -> str:
    """A formula on one line."""
    if local(one) == "t":
        return one.text or ""
    parts = [said for child in one if (said := _formula(child))]
    between = {"f": "/", "sSup": "^", "sSub": "_"}.get(local(one), "")
    return between.join(parts) if local(one) != "rad" else f"√({''.join(parts)})"


def _vanishes(one: Element) -> bool:
    mark = one.find(f"{WORD}rPr/{WORD}vanish")
    return mark is not None and (attribute(mark, "val") or "1") not in OFF


def _tied(part: Element, targets: Mapping[str, str], unread: Iterable[str]) -> bool:
    """Take out what refers to nothing that can be read: the words stay. Whether there was any."""
    gone, loose = {f"{m[1]}Reference" for n in unread if (m := NOTES.match(n))}, False
    for above in list(part.iter()):
        kept = [one for one in above if local(one) not in gone]
        keys = [k for k, id in above.attrib.items() if k.startswith(REFERS) and id not in targets]
        loose = loose or bool(keys) or len(kept) < len(above)
        above[:] = kept
        for key in keys:
            del above.attrib[key]
    return loose


def _with(archive: Archive, names: Iterable[str], parts: Mapping[str, Element]) -> bytes:
    """The file with these parts anew, of those that are named and can be read."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as changed:
        for name in names:
            try:
                changed.writestr(name, ElementTree.tostring(parts[name]) if name in parts else archive.read(name))
            except Damaged:
                continue  # a picture; those are not read
    return made.getvalue()


def _beside(archive: Archive, text: Text) -> None:
    """Headers and footers stand on every page and are no part of the text: what they say is told."""
    for what in ("header", "footer"):
        names = sorted(n for n in archive.names if re.fullmatch(rf"word/{what}\d*\.xml", n))
        parts = [[t.text or " " for t in archive.side(name).iter() if local(t) in ("t", "p")] for name in names]
        _margin(what, ("".join(part) for part in parts), text)
    _comments(archive, re.compile(r"word/comments\d*\.xml"), text)


def _comments(archive: Archive, names: re.Pattern[str], text: Text) -> None:
    """What readers wrote beside the text is no part of it: it is told."""
    parts = [archive.side(name) for name in sorted(archive.names) if names.fullmatch(name)]
    said = " ".join(" ".join(t.text or "" for part in parts for t in part.iter() if local(t) in ("t", "text")).split())
    if said:
        text.note(f"Comments were left out: {quoted(said, QUOTED)}")


def _margin(what: str, parts: Iterable[str], text: Text) -> None:
    told = "; ".join(dict.fromkeys(said for part in parts if (said := " ".join(part.split()))))
    if told:
        said = quoted(told, QUOTED)
        text.note(f"The headers of the pages were left out: {said}" if what == "header"
                  else f"The footers of the pages were left out: {said}")


def pptx(content: bytes, asked: Asked, text: Text) -> None:
    text.unit = "slide"
    archive = Archive(content, asked, "pptx", text.note)
    order = list(dict.fromkeys(_order(archive)))
    pictures = 0
    _comments(archive, re.compile(r"ppt/comments/.+\.xml"), text)
    for number, name in enumerate(order, 1):
        if name not in archive.names:
            text.note(f"Slide {number} is not in the file.")
            continue
        slide = archive.side(name, f"Slide {number} is damaged and was not read.")
        if name in archive.unread:
            continue
        if slide.get("show") in OFF:
            text.note(f"Slide {number} is hidden and was left out.")
            continue
        pictures += sum(local(one) == "pic" for one in slide.iter())
        beside = [n for n in archive.targets(name).values() if n in archive.names]
        parts = [*_shapes(slide), *(said for n in beside if DIAGRAM.search(n) and (said := _diagram(archive.side(n))))]
        if any(CHART.search(n) for n in beside):
            text.note(f"A chart on slide {number} was not read.")
        notes = [t for n in beside if "notesSlide" in n
                 for t in _shapes(archive.side(n)) if not t.strip("# ").isdigit()]
        title = next((p.removeprefix("## ") for p in parts if p.startswith("## ")), "")
        parts = [p for p in parts if not p.startswith("## ")]
        head = f"## Slide {number}: {title}" if title else f"## Slide {number}"
        if parts or title or notes:
            text.add("\n\n".join([head, *parts, *(f"Notes: {n}" for n in notes)]), number)
        else:
            text.note(f"Slide {number} holds no text; it may be a picture.")
    if text.empty and archive.unread:
        raise archive.damaged()
    if pictures:
        text.note("A picture in it was not read." if pictures == 1 else f"{pictures} pictures were not read.")


def _order(archive: Archive) -> list[str]:
    """The slides in their order; by their numbers where what tells of it is damaged."""
    main = "ppt/presentation.xml"
    deck, targets = archive.xml(main), archive.targets(main)
    if not targets:
        found = (m for n in archive.names if (m := re.fullmatch(r"ppt/slides/slide(\d+)\.xml", n)))
        return [m[0] for m in sorted(found, key=lambda m: int(m[1]))]
    return [targets.get(attribute(one, "id") or "", "") for one in _ids(deck)]


def _diagram(data: Element) -> str:
    """What is written in the boxes of a diagram."""
    said = (_paragraphs(one, " ") for one in data.iter() if local(one) == "pt")
    return "\n".join(f"- {words}" for words in said if words)


def _ids(deck: Element) -> Iterator[Element]:
    """The slides in their order. Their own id comes first among the attributes, the reference has a namespace."""
    for one in deck.iter():
        if local(one) == "sldId":
            reference = next((v for k, v in one.attrib.items() if k.startswith("{") and k.endswith("}id")), "")
            yield Element("slide", {"id": reference})


def _shapes(slide: Element) -> Iterator[str]:
    for one in slide.iter():
        if local(one) == "tbl":
            rows = [[_paragraphs(c, " ") for c in row if local(c) == "tc"] for row in one if local(row) == "tr"]
            yield cells(rows)
        elif local(one) == "sp":
            kind = next((attribute(p, "type") or "" for p in one.iter() if local(p) == "ph"), "")
            said = _paragraphs(one, "\n")
            if said and kind not in ("dt", "ftr", "sldNum", "hdr"):
                yield f"## {' '.join(said.split())}" if kind in ("title", "ctrTitle") else said


def _paragraphs(one: Element, between: str) -> str:
    said = [
        "".join("\n" if local(t) == "br" else t.text or "" for t in paragraph.iter() if local(t) in ("t", "br"))
        for paragraph in one.iter() if local(paragraph) == "p"
    ]
    return between.join(" ".join(s.split()) for s in said if s.strip())


def odt(content: bytes, asked: Asked, text: Text) -> None:
    archive = Archive(content, asked, "odt", text.note)
    body = next((one for one in archive.xml("content.xml").iter() if local(one) in ("text", "presentation")
                 and "office" in one.tag), None)
    if body is None:
        raise archive.damaged()
    _margins(archive, text)
    for part in _open(body):
        text.add(part)


def _margins(archive: Archive, text: Text) -> None:
    styles = archive.side("styles.xml") if "styles.xml" in archive.names else Element("none")
    for what in ("header", "footer"):
        found = (p for one in styles.iter() if local(one) == what for p in one.iter() if local(p) == "p")
        _margin(what, map(spoken, found), text)


def _open(body: Element) -> Iterator[str]:
    for one in body:
        name = local(one)
        if name == "h":
            yield "#" * min(6, int(attribute(one, "outline-level") or 1)) + " " + spoken(one)
        elif name == "p":
            yield spoken(one)
        elif name == "list":
            yield "\n".join(f"- {s}" for item in one for s in _open(item))
        elif name == "table":
            yield cells([[" ".join(_open(c)) for c in row if local(c).endswith("table-cell")]
                         for row in within(one) if local(row) == "table-row"])
        elif name not in ("tracked-changes", "sequence-decls"):
            yield from _open(one)


def spoken(one: Element) -> str:
    """The words of a paragraph of an OpenDocument file."""
    said = one.text or ""
    for part in one:
        name = local(part)
        if name == "s":
            said += " " * min(int(attribute(part, "c") or 1), BLANKS)
        elif name in ("tab", "line-break"):
            said += " " if name == "tab" else "\n"
        elif name not in ("note", "annotation"):
            said += spoken(part)
        elif name == "note":
            said += f" ({' '.join(spoken(p) for p in part.iter() if local(p) == 'p')})"
        said += part.tail or ""
    return said


if __name__ == "__main__":
    run({"docx": docx, "pptx": pptx, "odt": odt, "odp": odt})
