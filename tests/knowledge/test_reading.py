"""What real files hold is read, whatever their kind, and what is not read is told."""

import asyncio
import io
import re
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from pypdf import PdfReader

from hub.child_processes import Children
from hub.errors import Unreadable
from hub.knowledge.children.encodings import decoded, guessed
from hub.knowledge.chunk import pieces
from hub.knowledge.extract import LIMITS, Limits, Read, text_of
from hub.knowledge.places import locate
from tests.knowledge import papers

INPUTS = Path(__file__).parent / "inputs"
RIGHT: dict[str, tuple[str, ...]] = {
    "faq-bootstrap-accordion.html": ("entregam no domingo", r"R\$ 12,00", "prazo de troca", "Trinta dias"),
    "faq-aria-accordion.html": ("return an item", "14 days", "Who pays for shipping", r"over \$50"),
    "aspnet-webforms.aspx.html": ("troca pode ser feita em até 7 dias", "Rua Bahia"),
    "tabs-hidden.html": (r"R\$ 50 por mês", r"R\$ 480 por ano"),
    "aside-note.html": ("Turn the machine off",),
    "two-mains-empty-first.html": ("5555-0199",),
    "cp1252-no-meta.html": ("“três” dias – não há frete", "Ação, coração"),
    "utf8-wrong-meta.html": ("Manutenção e instalação às sextas",),
    "jsonld-faq.html": ("Aceitam vale-troca", "Sim, por 90 dias"),
    "img-alt.html": ("ao lado do mercado central",),
    "semicolon-comma-header.csv": (r"Produto, tamanho e cor: Camiseta, M, azul\nPreço, em R\$: 39,90",),
    "utf16-excel-unicode-text.csv": (r"Produto: Chá de camomila\nPreço: 12,50",),
    "one-column.csv": ("Pergunta: Vocês abrem sábado, domingo e feriado",),
    "utf16le-nobom.txt": ("Horário: das 9h",),
    "page.xml": ("olá",),
    "doc.rtf": ("Preço: 10",),
    "sub.srt": ("Olá",),
    "mail.eml": ("quero trocar", "Pedido"),
    "table.pdf": (r"Prata[ \t|]+R\$ 50[ \t|]+R\$ 500",),
    "ligatures.pdf": ("confirmação do financiamento", "oficial"),
    "no-xref.pdf": ("Prata",),
    "form.pdf": ("Empresa Exemplo",),
    "positioned-words.pdf": ("Horário de funcionamento das 9h às 18h",),
    "prices.xlsx": ("Mesa", "450", "Norte", "## Preços"),
}


async def read(name: str, raw: bytes | str, limits: Limits = LIMITS) -> Read:
    return await text_of(Children(), name, "", raw if isinstance(raw, bytes) else raw.encode(), limits)


@pytest.mark.parametrize("name", RIGHT)
async def test_what_people_send_is_read(name: str) -> None:
    found = await read(name, (INPUTS / name).read_bytes())
    assert [p for p in RIGHT[name] if not re.search(p, found.text)] == []
    assert "Column 2" not in found.text


async def test_a_page_drawn_by_scripts_is_refused_with_the_reason() -> None:
    for page in ((INPUTS / "js-only.html").read_bytes(), b"<title>App</title><app-root></app-root><script src=a.js>"):
        with pytest.raises(Unreadable, match="no text of its own; it may be drawn by JavaScript"):
            await read("page.html", page)


async def test_what_a_page_leaves_out_is_told() -> None:
    page = """<html><head><title>Loja</title></head><body><header>Menu da loja</header>
        <div><h1>Trocas</h1><p>Em sete dias.</p><p style="display:none">Cupom secreto</p><iframe src=x></iframe>
        <details><summary>E no Natal?</summary>Em trinta dias.</details>
        <p>Veja <form><button type=submit>Enviar</button></form></p></div>
        <footer>Rua Bahia, 88</footer></body></html>"""
    found = await read("a.html", page)
    assert "Em sete dias." in found.text and "#### E no Natal?\n\nEm trinta dias." in found.text
    assert not any(w in found.text for w in ("secreto", "Enviar", "Menu"))
    assert set(found.notes) == {
        "1 frame within the page was not read.", 'Hidden text was left out: "Cupom secreto"',
        'The header of the page was left out: "Menu da loja"', 'The footer of the page was left out: "Rua Bahia, 88"',
    }


WORDS = (
    "A manutenção não é feita às sextas: ligue à recepção.", "Ação", "são três pães e um café", "NÃO HÁ PÃO",
    "O prazo é de “três” dias – e só", "¿Cuánto cuesta el niño?", "Preço: 10 € por mês", "Über die Straße", "maçã",
)


@pytest.mark.parametrize("text", WORDS)
def test_what_is_written_in_portuguese_is_read_in_portuguese(text: str) -> None:
    assert decoded(text.encode("cp1252")) == text
    assert guessed(text.encode("cp1252")) == "cp1252"
    for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        assert decoded(text.encode(name)) == text


def test_old_programs_wrote_otherwise() -> None:
    text = "A manutenção não é feita às sextas. São três pães e um café: ligue à recepção, senhor João. NÃO HÁ PÃO."
    for name in ("cp850", "mac-roman"):
        assert decoded(text.encode(name)) == text


def test_other_languages_and_declarations() -> None:
    assert decoded("Zażółć gęślą jaźń, proszę".encode("cp1250")) == "Zażółć gęślą jaźń, proszę"
    assert decoded("Привет, мы открыты".encode("cp1251")) == "Привет, мы открыты"
    assert decoded("こんにちは".encode("shift_jis"), "shift_jis") == "こんにちは"
    head = '<meta charset="iso-8859-2">Łódź'
    assert decoded(head.encode("iso-8859-2")) == head
    assert decoded('<meta charset="nonsense">maçã'.encode("cp1252")).endswith("maçã")


async def test_tables_in_text_have_many_dialects() -> None:
    same = "Produto: Chá\nPreço: 1,50\n\nProduto: Pão, fresco\nPreço: 2,00"
    for text in (
        "sep=;\nProduto;Preço\nChá;1,50\nPão, fresco;2,00\n", 'Produto,Preço\nChá,"1,50"\n"Pão, fresco","2,00"\n',
        "Produto\tPreço\r\nChá\t1,50\r\nPão, fresco\t2,00\r\n", "Produto|Preço\nChá|1,50\nPão, fresco|2,00",
    ):
        assert (await read("a.csv", text)).text == same
    titled = await read("a.csv", "Tabela de preços 2026;;\n;;\nProduto;Preço;Obs\nChá;1,50;novo\nPão;2,00;\n")
    assert titled.text == "Tabela de preços 2026\n\nProduto: Chá\nPreço: 1,50\nObs: novo\n\nProduto: Pão\nPreço: 2,00"
    assert titled.places == {"unit": "row", "starts": [[23, 4], [59, 5]]}


async def test_rows_are_cited_by_their_number() -> None:
    found = await read("a.csv", "Item;Price\n" + "".join(f"Item number {n};{n},00\n" for n in range(2, 90)))
    for piece, start in _placed(found.text):
        place = locate(found.places, start, start + len(piece))
        numbers = [int(n) for n in re.findall(r"Item number (\d+)", piece)]
        assert place == f"rows {numbers[0]}-{numbers[-1]}" and piece.count("Item: ") == piece.count("Price: ")
    assert (locate(None, 0, 5), locate({"unit": "page", "starts": [[3, 1]]}, 0, 2)) == (None, None)


def _placed(text: str) -> list[tuple[str, int]]:
    found, start = [], 0
    for piece in pieces(text):
        found.append((piece.body.strip(), start + len(piece.body) - len(piece.body.lstrip())))
        start += len(piece.body)
    return found


def test_a_long_table_keeps_its_header_in_each_piece() -> None:
    rows = [f"| Room {n} | R$ {n},00 | {'very comfortable ' * 4}|" for n in range(40)]
    text = "# Prices\n\nWhat a night costs.\n\n| Room | Night | Remarks |\n| --- | --- | --- |\n" + "\n".join(rows)
    found = pieces(text)
    assert "".join(p.body for p in found) == text and len(found) > 3
    assert all("| Room | Night | Remarks |" in p.text for p in found if "| Room 1" in p.text or "R$ 3" in p.text)
    assert all(p.text.count("| --- | --- | --- |") <= 1 for p in found)


async def test_pages_are_places_and_empty_ones_are_told() -> None:
    book = papers.pdf("The pool closes at ten.", "Bring your own towel.")
    found = await read("a.pdf", book)
    assert found.places is not None and [n for _, n in found.places["starts"]] == [1, 2]
    start = found.text.index("Bring")
    assert locate(found.places, start, start + 5) == "page 2" and locate(found.places, 0, start + 5) == "pages 1-2"
    mixed = await read("b.pdf", papers.with_blank_page(book))
    assert mixed.notes == ("Page 3 of 3 holds no text; it may be scanned.",)


async def test_headings_hyphens_and_accents_of_pdf() -> None:
    found = await read("a.pdf", papers.pdf("<h1>Large heading</h1>" + "Plain words of the text go on. " * 9))
    assert re.search(r"^#+ Large heading$", found.text, re.MULTILINE)


WORD = papers.WORD
HIDDEN = (
    "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>Our cost is 3 euros.</w:t></w:r><w:r><w:t>It costs 9.</w:t></w:r></w:p>"
)
BOX = (
    '<w:p><w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
    '<mc:Choice Requires="wps"><w:drawing><w:txbxContent><w:p><w:r><w:t>Boxed words.</w:t></w:r></w:p></w:txbxContent>'
    "</w:drawing></mc:Choice></mc:AlternateContent></w:r></w:p>"
)


async def test_word_tells_what_it_hides_and_reads_what_is_boxed() -> None:
    found = await read("a.docx", papers.docx(papers.paragraph("Prices") + HIDDEN + BOX, footer="Rua Bahia, 88"))
    assert "It costs 9." in found.text and "Boxed words." in found.text and "3 euros" not in found.text
    assert set(found.notes) == {
        'Hidden text was left out: "Our cost is 3 euros."', 'The footers of the pages were left out: "Rua Bahia, 88"',
    }


def packed(**parts: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return made.getvalue()


OFFICE = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="t" xmlns:table="b"'
PRESENT = 'xmlns:a="a" xmlns:p="p" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def slide(title: str, words: str, more: str = "") -> str:
    def shape(kind: str, text: str) -> str:
        return (f'<p:sp><p:nvPr><p:ph type="{kind}"/></p:nvPr><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p>'
                "</p:txBody></p:sp>")
    return f"<p:sld {PRESENT}{more}>{shape('title', title)}{shape('body', words)}</p:sld>"


async def test_slides_books_and_open_documents() -> None:
    deck = packed(**{
        "ppt/presentation.xml": f'<p:presentation {PRESENT}><p:sldId id="256" r:id="r2"/><p:sldId id="257" r:id="r1"/>'
                                '<p:sldId id="258" r:id="r3"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": '<r><x Id="r1" Target="slides/slide1.xml"/><x Id="r2" '
                                           'Target="slides/slide2.xml"/><x Id="r3" Target="slides/slide3.xml"/></r>',
        "ppt/slides/slide1.xml": slide("Second", "It closes at six."),
        "ppt/slides/slide2.xml": slide("First", "It opens at nine."),
        "ppt/slides/slide3.xml": slide("Third", "Nobody sees it.", ' show="0"'),
    })
    book = packed(**{
        "META-INF/container.xml": '<c><rootfile full-path="OPS/book.opf"/></c>',
        "OPS/book.opf": '<p><item id="a" href="one.xhtml"/><item id="b" href="two.xhtml"/>'
                        '<itemref idref="b"/><itemref idref="a"/></p>',
        "OPS/one.xhtml": "<body><h1>End</h1><p>They lived.</p></body>",
        "OPS/two.xhtml": "<body><h1>Beginning</h1><p>Once.</p></body>",
    })
    text = packed(**{"content.xml": (
        f'<office:d {OFFICE}><office:text><text:h text:outline-level="2">Horário</text:h>'
        "<text:p>Das<text:s/>9h.</text:p>"
        "<text:list><text:list-item><text:p>um</text:p></text:list-item></text:list><table:table><table:table-row>"
        "<table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>b</text:p></table:table-cell>"
        "</table:table-row></table:table></office:text></office:d>"), "styles.xml": (
        "<s><m><header><p>Papelaria <span>Sol</span></p></header><footer><p>Rua Bahia, 88</p></footer></m>"
        "<m><header><p>Papelaria Sol</p></header></m></s>")})
    found = await asyncio.gather(read("a.pptx", deck), read("a.epub", book), read("a.odt", text))
    assert found[0].text == "## Slide 1: First\n\nIt opens at nine.\n\n## Slide 2: Second\n\nIt closes at six."
    assert found[0].notes == ("Slide 3 is hidden and was left out.",)
    assert found[0].places == {"unit": "slide", "starts": [[0, 1], [38, 2]]}
    assert found[1].text == "# Beginning\n\nOnce.\n\n# End\n\nThey lived."
    assert found[2].text == "## Horário\n\nDas 9h.\n\n- um\n\n| a | b |"
    assert found[2].notes == (
        'The headers of the pages were left out: "Papelaria Sol"',
        'The footers of the pages were left out: "Rua Bahia, 88"',
    )


async def test_sheets_show_what_their_readers_see() -> None:
    cells = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Tabela 2026</t></is></c></row>'
        '<row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="s"><v>1</v></c>'
        '<c r="C3" t="inlineStr"><is><t>De</t></is></c>'
        '<c r="D3" t="inlineStr"><is><t>Desconto</t></is></c></row>'
        '<row r="4"><c r="A4" t="s"><v>2</v></c><c r="B4" s="1"><v>450</v></c><c r="C4" s="2"><v>46000</v></c>'
        '<c r="D4" s="3"><v>0.15</v></c></row><row r="5"><c r="B5" s="1"><v>120.5</v></c></row>'
    )
    base = packed(**{
        "xl/workbook.xml": f'<w {PRESENT}><sheet name="Preços" r:id="r1"/>'
                           '<sheet name="X" state="hidden" r:id="r1"/></w>',
        "xl/_rels/workbook.xml.rels": '<r><x Id="r1" Target="/xl/worksheets/s.xml"/></r>',
        "xl/sharedStrings.xml": "<s><si><t>Produto</t></si><si><r><t>Pre</t></r><r><t>ço</t></r></si>"
                                "<si><t>Mesa</t></si></s>",
        "xl/styles.xml": '<s><numFmt numFmtId="164" formatCode="&quot;R$&quot;\\ #,##0.00"/><cellXfs><xf numFmtId="0"/>'
                         '<xf numFmtId="164"/><xf numFmtId="14"/><xf numFmtId="9"/></cellXfs></s>',
        "xl/worksheets/s.xml": f'<w><sheetData>{cells}</sheetData><mergeCell ref="A4:A5"/></w>',
    })
    found = await read("a.xlsx", base)
    assert found.text == (
        "## Preços\n\nTabela 2026\n\nProduto: Mesa\nPreço: R$ 450\nDe: 2025-12-09\nDesconto: 15%\n\n"
        "Produto: Mesa\nPreço: R$ 120.50"
    )
    assert found.notes == ("The hidden sheet X was left out.",)
    open_sheet = packed(**{"content.xml": (
        f'<office:d {OFFICE}><table:table table:name="Prazos"><table:table-row><table:table-cell>'
        "<text:p>Região</text:p></table:table-cell><table:table-cell><text:p>Dias</text:p></table:table-cell></table:table-row><table:table-row>"
        '<table:table-cell table:number-columns-repeated="2"><text:p>12</text:p></table:table-cell></table:table-row>'
        "</table:table></office:d>")})
    assert (await read("a.ods", open_sheet)).text == "## Prazos\n\nRegião: 12\nDias: 12"


async def test_marked_texts() -> None:
    rtf = (r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator x;}Pre\'e7o: \u8364? 10\par "
           r"{\v secreto}S\'e1bado\tab fechado}")
    mail = ("From: a@x.example\r\nSubject: =?utf-8?q?Pre=C3=A7o?=\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
            "<p>Quanto <b>custa</b>?</p>\r\n--b\r\n"
            "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nx\r\n--b--\r\n")
    goods = "<?xml version='1.0' encoding='UTF-8'?><g><item id='7'><name>Mesa</name><price>450</price></item></g>"
    titles = "WEBVTT\n\n00:01.000 --> 00:02.000\n<i>Olá</i>,\ntudo bem?\n\n00:03.000 --> 00:04.000\nTudo.\n"
    found = await asyncio.gather(
        read("a.rtf", rtf), read("a.eml", mail), read("a.xml", goods), read("a.vtt", titles),
    )
    assert found[0].text == "Preço: € 10\n\nSábado fechado"
    assert found[0].notes == ('Hidden text was left out: "secreto"',)
    assert "Subject: Preço" in found[1].text and "Quanto **custa**?" in found[1].text
    assert found[1].notes == ("The attachment a.pdf was not read; send it by itself.",)
    assert found[2].text == "id: 7\nname: Mesa\nprice: 450"
    assert found[3].text == "Olá, tudo bem?\n\nTudo."



@cache
def bomb() -> bytes:
    return packed(**{"xl/workbook.xml": "<a/>", "x": "\0" * (120 << 20)})


ENTITY = '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'


@pytest.mark.parametrize(("name", "raw", "words"), [
    ("a.xlsx", bomb, "unpacks to more than 100 MB"), ("a.pptx", bomb, "unpacks to more than"),
    ("a.ods", packed(**{"content.xml": ENTITY}), "declares entities"), ("a.xml", ENTITY.encode(), "declares entities"),
    ("a.epub", packed(x="y"), "is damaged, or is no EPUB"), ("a.odt", b"no zip", "is damaged, or is no ODT"),
    ("a.xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "is an old .xls"),
    ("a.rtf", b"hello", "is damaged, or is no RTF"), ("a.srt", b"hello", "holds no subtitles"),
    ("a.xml", b"<a><b></a>", "is damaged, or is no XML"),
])
async def test_what_cannot_be_read_is_refused_in_words(
    name: str, raw: bytes | Callable[[], bytes], words: str
) -> None:
    with pytest.raises(Unreadable, match=words):
        await read(name, raw if isinstance(raw, bytes) else raw())


def _manuals() -> list[Path]:
    """PDFs that Debian packages put on this machine, those of TeX among them."""
    return [p for p in (Path("/usr/share/doc/libtasn1-doc/libtasn1.pdf"),
                        Path("/usr/share/doc/shared-mime-info/shared-mime-info-spec.pdf")) if p.exists()]


@pytest.mark.parametrize("path", _manuals(), ids=lambda p: p.stem)
async def test_manuals_lose_no_words(path: Path) -> None:
    found = await read(path.name, path.read_bytes())
    pages = [p.extract_text() for p in PdfReader(path).pages]
    words = set(re.findall(r"[^\W\d_]{4,}", re.sub(r"-\n", "", "\n".join(pages))))
    there = "".join(found.text.split())
    assert len([w for w in words if w not in there]) < 0.03 * len(words) and len(words) > 300
    assert len([w for w in re.findall(r"[^\W_]+", found.text) if len(w) > 30]) < 5  # words that run together
