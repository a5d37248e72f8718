"""Files that are made to do harm, and what of a file may not be left out without a word."""

import io
import zipfile
from dataclasses import asdict

import pytest

from hub.knowledge.children.archives import Archive
from hub.knowledge.children.common import No, Text
from hub.knowledge.children.tables import read
from hub.knowledge.extract import LIMITS
from tests.knowledge.here import read as here

ENTITY = '[<!ENTITY a "boom">]><x>&a;</x>'
ASKED = asdict(LIMITS) | {"cut": False}


def packed(name: str, content: bytes) -> Archive:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, content)
    return Archive(made.getvalue(), ASKED, "docx")


@pytest.mark.parametrize("name", ["a.xml", "a.part"])
@pytest.mark.parametrize("start", ["<!DOCTYPE x ", '<!DOCTYPE x SYSTEM "a>b" ', "<!-- <!DOCTYPE x> --><!DOCTYPE x "])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_entities_are_refused_however_they_are_declared(name: str, start: str, codec: str) -> None:
    with pytest.raises(No, match="declares entities"):
        packed(name, (start + ENTITY).encode(codec)).xml(name)
    fine = '<!DOCTYPE x PUBLIC "-//x" "http://x.example/y.dtd"><x>fine</x>'
    assert packed(name, fine.encode(codec)).xml(name).text == "fine"


@pytest.mark.parametrize("tables", [1, 60])
def test_a_sheet_is_whole_or_refused(tables: int) -> None:
    """Headers and titles are no rows: with many of them the last rows were once left out without a word."""
    one = "Prices\n" + "Name;Price\n" + "".join(f"Item {n};{n},00\n" for n in range(600 // tables)) + "\n"
    asked = ASKED | {"rows": 800, "longest": 10**6}
    text = Text(asked)
    read((one * tables).encode(), asked, text)
    with pytest.raises(No, match="more than 800 rows"):
        read((one * (2 * tables)).encode(), asked, Text(asked))
    few = ASKED | {"rows": 500, "longest": 10**6}
    with pytest.raises(No, match="more than 500 rows"):
        read((one * tables).encode(), few, Text(few))


@pytest.mark.parametrize("blanks", [" ", "\t", "\n", " \n"])
@pytest.mark.parametrize(("before", "after"), [("<p>", "</p>"), ("<pre>", "</pre>"), ("<b>", "</b>")])
async def test_blanks_without_end_are_read_within_the_time_of_a_test(blanks: str, before: str, after: str) -> None:
    """They took half an hour."""
    found = await here("a.html", f"<main>{before}Open at{blanks * 600_000}nine<!--{' ' * 300}-->{after}</main>")
    assert found.text.replace("`", "").replace("*", "").split() == ["Open", "at", "nine"]
