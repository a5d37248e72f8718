"""Files become text, or a sentence that says why not."""

import asyncio
import io
import subprocess
import sys
import time
from dataclasses import asdict

import orjson
import pytest
from PIL import Image

from hub.child_processes import Children
from hub.errors import Unreadable, Unsupported
from hub.knowledge.extract import FOLDER, LIMITS, PROGRAMS, Limits, kind_of, text_of
from tests.knowledge import papers

PAGE = """<html><head><title>Hours</title><script>alert(1)</script></head><body><nav>Home</nav>
<main><h2>Open</h2><p>From <b>nine</b> to five.</p><ul><li>Mon</li><li>Sat</li></ul>
<table><tr><th>Day</th><th>Hour</th></tr><tr><td>Sun</td><td>closed</td></tr></table><img src="x.png"></main></body>"""
DOCX = papers.docx(papers.paragraph("Prices", "Heading1") + papers.paragraph("A night costs 90 euros, ação."))


def _picture() -> bytes:
    made = io.BytesIO()
    Image.effect_noise((200, 200), 60).save(made, "PNG")
    return made.getvalue()


PICTURE = _picture()


async def read(name: str, raw: bytes, limits: Limits = LIMITS, mime: str = "application/octet-stream") -> str:
    return (await text_of(Children(), name, mime, raw, limits)).text


async def test_what_people_send() -> None:
    found = await asyncio.gather(
        read("a.pdf", papers.pdf("The pool closes at ten.", "Bring your own towel.")),
        read("b.docx", DOCX),
        read("c.HTML", PAGE.encode()),
        read("d.csv", "Produto;Preço\nCadeira;R$ 90\n\nMesa;\n;R$ 5;extra".encode("cp1252")),
        read("open.pdf", papers.locked_pdf("")),
    )
    assert "The pool closes at ten." in found[0] and found[0].index("pool") < found[0].index("towel")
    assert found[1] == "Prices\n\nA night costs 90 euros, ação." or found[1].startswith("# Prices")
    assert found[2].startswith("# Hours\n\n## Open\n\nFrom **nine** to five.") and "- Mon\n- Sat" in found[2]
    assert "| Sun | closed |" in found[2] and not any(w in found[2] for w in ("alert", "Home", "png"))
    assert found[3] == "Produto: Cadeira\nPreço: R$ 90\n\nProduto: Mesa\n\nPreço: R$ 5\nColumn 3: extra"
    assert "The safe opens at nine." in found[4]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.md", "\ufeff# Olá\n\nAção".encode()), ("a.txt", "# Olá\n\nAção".encode("cp1252")),
        ("a.log", "# Olá\n\nAção".encode("utf-16")),
    ],
)
async def test_plain_text_is_read_as_it_is(name: str, raw: bytes) -> None:
    assert await read(name, raw) == "# Olá\n\nAção"


HOSTILE: dict[str, tuple[bytes, str, Limits]] = {
    "locked.pdf": (papers.locked_pdf("secret"), "is protected by a password", LIMITS),
    "broken.pdf": (papers.pdf("Text.")[:700], "is damaged, or is no PDF", LIMITS),
    "not.pdf": (b"%PDF-1.7 nothing else", "is damaged, or is no PDF", LIMITS),
    "scan.pdf": (papers.blank_pdf(2), "holds no text; it may be made of scanned pictures", LIMITS),
    "long.pdf": (papers.blank_pdf(21), "has 21 pages; at most 20 are read", Limits(pages=20)),
    "swelling.pdf": (papers.swelling_pdf(900 << 20), "", LIMITS),
    "broken.docx": (DOCX[:-60], "is damaged, or is no DOCX", LIMITS),
    "torn.docx": (papers.docx("<w:p>"), "is damaged, or is no DOCX", LIMITS),
    "old.docx": (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "old .doc", LIMITS),
    "bomb.docx": (papers.docx("", swelling=120 << 20), "unpacks to more than 100 MB", LIMITS),
    "entity.docx": (
        papers.docx(papers.paragraph("&x;"), '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "declares entities", LIMITS,
    ),
    "deep.html": (b"<div>" * 50_000 + b"x", "nested too deeply", LIMITS),
    "rows.csv": (b"a,b\n" + b"1,2\n" * 101, "has more than 100 rows", Limits(rows=100)),
    "wide.csv": (b"a\n" + b"x" * 2_000_000, "has more than 1,000,000 characters", LIMITS),
    "long.csv": (b"a,b\n" + b"word word,2\n" * 900, "has more than 5,000 characters", Limits(longest=5000)),
    "long.txt": (b"word " * 1001, "has more than 5,000 characters", Limits(longest=5000)),
    "binary.txt": (b"a\0b", "is no text", LIMITS),
    "empty.md": (b" \n", "holds no text", LIMITS),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_cannot_be_read_is_named_with_the_reason(name: str) -> None:
    raw, words, limits = HOSTILE[name]
    begun = time.monotonic()
    with pytest.raises(Unreadable) as e:
        await read(name, raw, limits)
    assert str(e.value).startswith(name) and words in str(e.value) and str(e.value).endswith(".")
    assert "Traceback" not in str(e.value) and time.monotonic() - begun < 60


async def test_time_and_memory_have_an_end() -> None:
    slow = b"<p>" + b"<b>a</b> " * 400_000
    for limits in (Limits(seconds=1), Limits(memory=200 << 20)):
        with pytest.raises(Unreadable) as e:
            await read("heavy.html", slow, limits)
        assert any(w in str(e.value) for w in ("time or memory", "more memory", "longer than"))


async def test_other_kinds_are_refused() -> None:
    for name, mime in (("a.exe", ""), ("a", "application/zip"), ("photo.png", "image/png"), ("a", "image/jpeg")):
        with pytest.raises(Unsupported, match=f"{name} is of a kind that is not read; send PDF"):
            await read(name, b"x", mime=mime)
    kinds = [kind_of(*one) for one in (("x", "text/plain; charset=utf-8"), ("x", "application/pdf"), ("x.pdf", ""))]
    assert kinds == ["text", "pdf", "pdf"]


async def test_a_reader_that_is_given_up_ends_and_frees_its_place() -> None:
    children = Children(at_once=1)
    task = asyncio.create_task(text_of(children, "heavy.html", "", b"<p>" + b"<b>a</b> " * 400_000))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    read = (text_of(children, f"{n}.csv", "", b"a,b\n1,2") for n in range(3))
    assert [r.text for r in await asyncio.wait_for(asyncio.gather(*read), 30)] == ["a: 1\nb: 2"] * 3


@pytest.mark.parametrize(("raw", "told", "models"), [(PICTURE[:-40], "no\nis damaged", False), (PICTURE, "ok\n", True)])
def test_a_picture_is_looked_at_before_the_models_that_read_it_are_loaded(raw: bytes, told: str, models: bool) -> None:
    """By what Python tells of its imports."""
    asked = orjson.dumps({"kind": "picture", **asdict(LIMITS), "cut": False, "links": False, "from": 0, "begin": 1.0})
    command = [sys.executable, "-X", "importtime", str(FOLDER / PROGRAMS["picture"])]
    ran = subprocess.run(command, input=asked + b"\n" + raw, capture_output=True, check=False)
    assert ran.stdout.decode().startswith(told), (ran.stdout, ran.stderr[-2000:])
    assert (b"| rapidocr" in ran.stderr, b"| PIL" in ran.stderr) == (models, True)
