"""Files as the programs of the far side write them: what they hold is read, and what is left out is told."""

import io
import zipfile

import pytest

from hub.knowledge.children.encodings import decoded
from tests.knowledge import papers
from tests.knowledge.here import read
from tests.knowledge.test_dialects import OPEN, book, row
from tests.knowledge.test_reading import packed, slide

WORD = papers.WORD
MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
NOTE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
DRAWN = 'xmlns:a="a" xmlns:d="d"'


def word(body: str, **parts: str) -> bytes:
    """A Word file with parts beside it: their names without folder and ending."""
    made, out = io.BytesIO(papers.docx(body)), io.BytesIO()
    with zipfile.ZipFile(made) as given, zipfile.ZipFile(out, "w") as new:
        for name in given.namelist():
            new.writestr(name, given.read(name))
        for name, text in parts.items():
            new.writestr(f"word/{name}.xml", text)
        if "footnotes" in parts:
            new.writestr("word/_rels/document.xml.rels", (
                '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                f'<Relationship Id="r9" Type="{NOTE}" Target="footnotes.xml"/></Relationships>'))
    return out.getvalue()


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


async def test_word_with_tracked_changes_footnotes_fields_and_formulas() -> None:
    body = (
        f'<w:p>{run("Entrega em ")}<w:del w:id="1"><w:r><w:delText>cinco</w:delText></w:r></w:del>'
        f'<w:ins w:id="2">{run("três")}</w:ins>{run(" dias")}<w:r><w:footnoteReference w:id="2"/></w:r>{run(".")}</w:p>'
        f'<w:p>{run("Caro(a) ")}<w:fldSimple w:instr=" MERGEFIELD nome ">{run("cliente Ouro")}</w:fldSimple></w:p>'
        f'<w:p>{run("Juros: ")}<m:oMath xmlns:m="{MATH}"><m:r><m:t>j=</m:t></m:r><m:f><m:num><m:r><m:t>c</m:t></m:r>'
        "</m:num><m:den><m:r><m:t>12</m:t></m:r></m:den></m:f></m:oMath></w:p>"
    )
    notes = (f'<w:footnotes xmlns:w="{WORD}"><w:footnote w:id="2"><w:p>{run("Só na capital.")}</w:p></w:footnote>'
             "</w:footnotes>")
    remarks = (f'<w:comments xmlns:w="{WORD}"><w:comment w:id="1"><w:p>{run("Conferir com Bia")}</w:p></w:comment>'
               "</w:comments>")
    found = await read("a.docx", word(body, footnotes=notes, comments=remarks))
    assert found.text == "Entrega em três dias (Só na capital.).\n\nCaro(a) cliente Ouro\n\nJuros: j=c/12"
    assert set(found.notes) == {
        'What was deleted with tracked changes was left out: "cinco"', 'Comments were left out: "Conferir com Bia"'}


async def test_two_footnotes_and_one_that_is_long() -> None:
    body = (f'<w:p>{run("A")}<w:r><w:footnoteReference w:id="1"/></w:r>{run(" e B")}<w:r>'
            f'<w:footnoteReference w:id="2"/></w:r></w:p>')
    notes = (f'<w:footnotes xmlns:w="{WORD}"><w:footnote w:id="1"><w:p>{run("uma")}</w:p></w:footnote>'
             f'<w:footnote w:id="2"><w:p>{run("muito longa " * 60)}</w:p></w:footnote></w:footnotes>')
    found = (await read("a.docx", word(body, footnotes=notes))).text
    assert found.startswith("A (uma) e B") and found.count("muito longa") == 60


async def test_sheets_with_durations_faults_line_ends_and_what_lies_upon_them() -> None:
    codes = ("[h]:mm", "h:mm")
    styles = "".join(f'<numFmt numFmtId="{200 + n}" formatCode="{c}"/>' for n, c in enumerate(codes))
    styles += '<cellXfs><xf numFmtId="0"/><xf numFmtId="200"/><xf numFmtId="201"/><xf numFmtId="46"/></cellXfs>'
    cells = row(1, "Curso", "Carga", "Início", "Pausa", "Nota") + (
        '<row r="2"><c r="A2" t="inlineStr"><is><t>Solda_x000D_\nMIG</t></is></c><c r="B2" s="1"><v>1.25</v></c>'
        '<c r="C2" s="2"><v>0.375</v></c><c r="D2" s="3"><v>0.0625</v></c><c r="E2" t="e"><v>#REF!</v></c></row>')
    base, made = io.BytesIO(book(cells, styles=styles)), io.BytesIO()
    with zipfile.ZipFile(base) as given, zipfile.ZipFile(made, "w") as new:
        for name in given.namelist():
            new.writestr(name, given.read(name))
        new.writestr("xl/worksheets/_rels/s.xml.rels", '<r><x Id="a" Target="../comments1.xml"/>'
                     '<x Id="b" Target="../drawings/drawing1.xml"/></r>')
        new.writestr("xl/comments1.xml", "<c><comment><text><r><t>pedir ao Ivo</t></r></text></comment></c>")
        new.writestr("xl/drawings/drawing1.xml", f"<d:w {DRAWN}><d:sp><d:txBody><a:p><a:r><a:t>Vagas: oito</a:t>"
                     "</a:r></a:p></d:txBody></d:sp><d:graphicFrame/></d:w>")
    found = await read("a.xlsx", made.getvalue())
    assert found.text == "## S\n\nCurso: Solda MIG\nCarga: 30:00\nInício: 09:00\nPausa: 1:30\n\nVagas: oito"
    assert set(found.notes) == {
        "Cells whose formula went wrong (#REF!) were left out.", "A chart or picture on the sheet S was not read.",
        'Comments on the sheet S were left out: "pedir ao Ivo"'}


async def test_open_sheets_hide_sheets_and_columns_too() -> None:
    def cell(said: str, more: str = "") -> str:
        return f"<table:table-cell {more}><text:p>{said}</text:p></table:table-cell>"

    rows = (f'<table:table-row>{cell("Item")}{cell("Custo")}{cell("Preço")}</table:table-row>'
            f'<table:table-row>{cell("Mesa")}{cell("90")}<table:table-cell><office:annotation><text:p>rever</text:p>'
            "</office:annotation><text:p>450</text:p></table:table-cell></table:table-row>"
            '<table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="3" '
            'office:date-value="2026-03-01T00:00:00"/></table:table-row>')
    columns = '<table:table-column/><table:table-column table:visibility="collapse"/><table:table-column/>'
    made = packed(**{"content.xml": (
        f'<office:d {OPEN} xmlns:style="s"><style:style style:name="t2"><style:table-properties table:display="false"/>'
        f'</style:style><table:table table:name="P">{columns}{rows}</table:table>'
        f'<table:table table:name="Q" table:style-name="t2">{rows}</table:table></office:d>')})
    found = await read("a.ods", made)
    dated = "Item: 2026-03-01\nPreço: 2026-03-01"
    assert found.text == f"## P\n\nItem: Mesa\nPreço: 450\n\n{dated}\n\n{dated}"
    assert set(found.notes) == {"The hidden sheet Q was left out.", "Hidden columns were left out.",
                                'Comments on the sheet P were left out: "rever"'}


async def test_slides_with_notes_diagrams_charts_and_pictures() -> None:
    shown = slide("Planos", "Três planos.").replace("</p:sld>", "<p:pic/></p:sld>")
    made = packed(**{
        "ppt/presentation.xml": '<p:x xmlns:p="p" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/'
                                'relationships"><p:sldId id="256" r:id="r1"/></p:x>',
        "ppt/_rels/presentation.xml.rels": '<r><x Id="r1" Target="slides/slide1.xml"/></r>',
        "ppt/slides/slide1.xml": shown,
        "ppt/slides/_rels/slide1.xml.rels": '<r><x Id="a" Target="../notesSlides/notesSlide1.xml"/>'
                                            '<x Id="b" Target="../diagrams/data1.xml"/>'
                                            '<x Id="c" Target="../charts/chart1.xml"/></r>',
        "ppt/notesSlides/notesSlide1.xml": slide("1", "Dizer que o Ouro custa 90."),
        "ppt/diagrams/data1.xml": f'<d:m {DRAWN}><d:pt><d:t><a:p><a:r><a:t>Pedir</a:t></a:r></a:p></d:t></d:pt>'
                                  '<d:pt type="pres"/><d:pt><d:t><a:p><a:r><a:t>Pagar</a:t></a:r></a:p></d:t></d:pt>'
                                  "</d:m>",
        "ppt/charts/chart1.xml": "<c/>",
    })
    found = await read("a.pptx", made)
    assert found.text == (
        "## Slide 1: Planos\n\nTrês planos.\n\n- Pedir\n- Pagar\n\nNotes: Dizer que o Ouro custa 90.")
    assert set(found.notes) == {"A chart on slide 1 was not read.", "A picture in it was not read."}


async def test_rtf_with_changes_footnotes_escapes_and_tables_within_tables() -> None:
    raw = (r"{\rtf1\ansi\ansicpg1252\uc0 Pre\u231 o: {\deleted\revauthdel1 R$ 50}{\revised R$ 60}"
           r"{\super\chftn{\footnote\pard\plain {\super\chftn} S\u243 \'20hoje.}}.\par"
           r"\uc1 \u8220\'93sim\u8221\'94 {\pict\wmetafile8 0102}"
           r"\trowd\intbl\itap2 a\nestcell b\nestcell{\*\nesttableprops\nestrow}\nestrow fim\cell\row}")
    found = await read("a.rtf", raw.encode("latin-1"))
    assert found.text.split("\n\n")[0] == "Preço: R$ 60 (Só hoje.)."
    assert "“sim”" in found.text and "a | b" in found.text and "0102" not in found.text
    assert set(found.notes) == {
        'What was deleted with tracked changes was left out: "R$ 50"', "Pictures in it were not read."}


@pytest.mark.parametrize(("container", "folder"), [
    ("<c><rootfile full-path='./OPS/my%20book.opf'/></c>", "OPS/"),
    ("<c><rootfile full-path='/ops/MY BOOK.opf'/></c>", "OPS/"),
    ("<c><rootfile full-path='OPS\\my book.opf'/></c>", "OPS/"), ("<c/>", ""), ("", "deep/er/"),
])
async def test_books_whose_parts_are_written_oddly(container: str, folder: str) -> None:
    parts = {
        f"{folder}my book.opf": '<p><item id="a" href="../X/Um.xhtml#top"/><item id="b" href="dois%20.xhtml"/>'
                                '<itemref idref="a"/><itemref idref="b"/><itemref idref="gone"/></p>'
        .replace("../X/", "" if not folder else "../" * folder.count("/") + "X/"),
        f"{'X/' if folder else ''}um.xhtml": "<body><p>Primeiro.</p></body>",
        f"{folder}dois .xhtml": "<body><p>Segundo.</p></body>",
    }
    found = await read("a.epub", packed(**({"META-INF/container.xml": container} if container else {}), **parts))
    assert found.text == "Primeiro.\n\nSegundo."


async def test_chapters_that_are_not_there_are_told() -> None:
    made = packed(**{"b.opf": '<p><item id="a" href="a.xhtml"/><item id="b" href="b.xhtml"/><itemref idref="a"/>'
                              '<itemref idref="b"/></p>', "a.xhtml": "<body><p>Um.</p></body>"})
    assert (await read("a.epub", made)).notes == ("Chapter 2 is not in the file.",)


async def test_tables_within_tables() -> None:
    goods = "<table><tr><th>Item</th><th>Preço</th></tr><tr><td>Mesa</td><td>450</td></tr></table>"
    laid = (f"<table><tr><td><h2>Loja</h2></td></tr><tr><td><table><tr><td>{goods}</td></tr></table></td>"
            "<td>Fone 1</td></tr></table>")
    assert (await read("a.html", laid)).text == (
        "## Loja\n\n| Item | Preço |\n| --- | --- |\n| Mesa | 450 |\n\nFone 1")
    within = ("<table><tr><th>Dia</th><th>Horários</th></tr><tr><td>Sábado</td><td><table><tr><td>Loja</td>"
              "<td>9h</td></tr><tr><td>Oficina</td><td>8h</td></tr></table></td></tr></table>")
    assert "| Sábado | Loja, 9h; Oficina, 8h |" in (await read("a.html", within)).text


async def test_cells_over_several_lines_are_one_value() -> None:
    text = 'Produto;Descrição;Preço\nMesa;"Grande,\ncom ""gaveta"";\n\nde pinho";450\n'
    assert (await read("a.csv", text)).text == (
        'Produto: Mesa\nDescrição: Grande, com "gaveta"; de pinho\nPreço: 450')


@pytest.mark.parametrize("text", ["Привет, мы открыты с 9 до 18", "Ώρες λειτουργίας: 9 – 18", "Preço: 10 €, à vista"])
@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_wide_letters_of_any_script_without_their_mark(text: str, name: str) -> None:
    assert decoded(text.encode(name)) == text


def test_seven_bits_may_be_japanese_and_zeros_are_no_text() -> None:
    assert decoded("営業時間 9:00".encode("iso2022_jp")) == "営業時間 9:00"
    assert "\0" in decoded(bytes(range(256)) * 8)


async def test_heads_of_mails_that_are_not_encoded() -> None:
    for charset in ("utf-8", "cp1252"):
        raw = ("From: João <j@x.example>\r\nSubject: Orçamento – não é spam\r\nContent-Type: text/plain; "
               "charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n").encode(charset)
        raw += b"=93Tr=EAs=94 dias =96 s=F3 =80 5"
        found = (await read("a.eml", raw)).text
        assert found == "Subject: Orçamento – não é spam\nFrom: João <j@x.example>\n\n“Três” dias – só € 5"


LEFT = ("A loja abre de segunda a sexta das nove", "horas da manha ate as seis da tarde e", "fica fechada.", "",
        "O prazo de troca e de trinta dias, com a", "nota fiscal e a embalagem original do", "produto, sem marcas.",
        "", "Pagamos o frete da devolucao quando o", "defeito e de fabrica e foi avisado logo.")
RIGHT = ("As entregas saem todos os dias uteis, e", "na capital chegam no dia seguinte pela", "manha, quando e pago",
         "cedo. O frete custa doze reais para os", "bairros do centro.", "", "Para o interior o prazo e de quatro dias",
         "uteis e o frete custa vinte e nove reais", "por caixa de ate dez quilos de peso, e", "acima disso mais.")


def drawn(*lines: tuple[int, int, str]) -> bytes:
    """A page on which each text stands where it is told."""
    said = "".join(f"BT /F 10 Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET\n" for x, y, text in lines).encode()
    font = b"<< /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources " + font + b" /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%bendstream" % (len(said), said))
    return b"%PDF-1.5\n" + b"".join(b"%d 0 obj\n%b\nendobj\n" % (n, one) for n, one in enumerate(objects, 1))


async def test_columns_drawn_line_by_line_with_paragraphs_of_their_own() -> None:
    rows = ((x, 760 - 14 * n, text) for n, pair in enumerate(zip(LEFT, RIGHT, strict=True))
            for x, text in zip((50, 320), pair, strict=True) if text)
    found = " ".join((await read("a.pdf", drawn(*rows, (50, 500, "Fim.")))).text.split())
    assert found == " ".join([*filter(None, LEFT), *filter(None, RIGHT), "Fim."])
    table = ((x, 760 - 14 * n, text) for n, row in enumerate((("Plano", "R$"), ("Ouro", "90"), ("Prata", "60")) * 3)
             for x, text in zip((50, 320), row, strict=True))
    assert "Ouro | 90\nPrata | 60" in (await read("a.pdf", drawn(*table))).text


async def test_a_page_of_five_megabytes() -> None:
    """What most of it is: a picture within the page, and scripts."""
    picture = f"<img alt='a frente da loja' src='data:image/png;base64,{'A' * 4_000_000}'>"
    page = (f"<h1>Loja</h1><p>Abre as nove.</p>{picture}<script>{'var a = 1;' * 100_000}</script>"
            "<p>Fecha as seis.</p>")
    assert (await read("a.html", page)).text == "# Loja\n\nAbre as nove.\n\na frente da loja\n\nFecha as seis."
