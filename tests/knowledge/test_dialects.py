"""Tables, sheets, mails and marked texts as many programs write them: each is read as whoever wrote it meant it."""

import io
import zipfile

import pytest

from tests.knowledge.here import read
from tests.knowledge.test_reading import PRESENT, packed

ROWS = "Produto: Mesa, grande\nPreço: 450,00\n\nProduto: Banco\nPreço: 80,00"


@pytest.mark.parametrize("text", [
    "Produto, Preço\n\"Mesa, grande\", \"450,00\"\nBanco, \"80,00\"\n",
    '"Produto";"Preço"\r"Mesa, grande";"450,00"\r"Banco";"80,00"\r',
    "Produto|Preço|\nMesa, grande|450,00|\nBanco|80,00|\n",
    'sep=\t\r\nProduto\tPreço\r\nMesa, grande\t450,00\r\nBanco\t80,00\r\n',
    "\ufeffProduto;Preço\n\n\nMesa, grande;450,00\nBanco;80,00",
])
async def test_marks_between_cells(text: str) -> None:
    assert (await read("a.csv", text)).text == ROWS


async def test_quotes_that_are_never_closed_and_those_with_a_backslash() -> None:
    torn = 'Produto;Preço\n"Mesa grande;450\nTubo 5";12\nBanco;80\n'
    assert (await read("a.csv", torn)).text.count("Produto: ") == 3
    escaped = 'a,b\n"He said \\"hi\\" to me",1\n"x",2\n'
    assert 'a: He said "hi" to me\nb: 1' in (await read("a.csv", escaped)).text


async def test_a_table_without_a_header_and_sentences_with_commas() -> None:
    bare = (await read("a.csv", "Chá de camomila;12,50\nPão;2,00\n")).text
    assert bare == "Column 1: Chá de camomila\nColumn 2: 12,50\n\nColumn 1: Pão\nColumn 2: 2,00"
    said = "Pergunta\nVocês abrem sábado, domingo e feriado?\nTem entrega, retirada ou os dois?\n"
    assert (await read("a.csv", said)).text.startswith("Pergunta: Vocês abrem sábado, domingo e feriado?")
    years = (await read("a.csv", "Item;2024;2025\nMesa;400;450\nBanco;70;80\n")).text
    assert years.startswith("Item: Mesa\n2024: 400\n2025: 450")


async def test_several_tables_of_one_sheet_have_headers_of_their_own() -> None:
    text = "Preços\n\nProduto;Preço\nMesa;450\n\nCadeira;120\n\nFretes\nCidade;Valor\nBelém;35\nManaus;40\n\nFonte;\n"
    found = (await read("a.csv", text)).text
    assert found.startswith("Preços\n\nProduto: Mesa\nPreço: 450\n\nProduto: Cadeira\nPreço: 120")
    assert "Cidade: Manaus\nValor: 40" in found and "Fretes\n\nCidade: Belém" in found


def book(cells: str, more: str = "", styles: str = "", head: str = "") -> bytes:
    return packed(**{
        "xl/workbook.xml": f'<w {PRESENT}><sheet name="S" r:id="r1"/></w>',
        "xl/_rels/workbook.xml.rels": '<r><x Id="r1" Target="worksheets/s.xml"/></r>',
        "xl/styles.xml": f"<s>{styles}</s>",
        "xl/worksheets/s.xml": f"<w>{head}<sheetData>{cells}</sheetData>{more}</w>",
    })


def row(number: int, *cells: str | float | tuple[float, int], first: str = "A") -> str:
    """Texts, numbers, or numbers with a style; an empty text is no cell."""
    made = ""
    for n, value in enumerate(cells):
        place = f"{chr(ord(first) + n)}{number}"
        if isinstance(value, str):
            made += f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>' if value else ""
        else:
            number_of, style = value if isinstance(value, tuple) else (value, 0)
            made += f'<c r="{place}" s="{style}"><v>{number_of}</v></c>'
    return f'<row r="{number}">{made}</row>'


async def test_a_header_of_two_rows_and_cells_over_several() -> None:
    cells = (row(1, "Tabela 2026") + row(2, "Produto", "Preço", "", "Obs") + row(3, "", "Mensal", "Anual")
             + row(4, "Mesa", 450, 4500, "ok") + row(5, "Banco", 80, 800) + row(6, "Kit", "sob consulta", "", "x"))
    merged = "".join(f'<mergeCell ref="{ref}"/>' for ref in ("A1:D1", "A2:A3", "B2:C2", "D2:D3", "D4:D5", "B6:C6"))
    assert (await read("a.xlsx", book(cells, merged))).text == (
        "## S\n\nTabela 2026\n\nProduto: Mesa\nPreço Mensal: 450\nPreço Anual: 4500\nObs: ok\n\n"
        "Produto: Banco\nPreço Mensal: 80\nPreço Anual: 800\nObs: ok\n\n"
        "Produto: Kit\nPreço Mensal: sob consulta\nPreço Anual: sob consulta\nObs: x"
    )


async def test_dates_times_codes_and_money_as_they_are_shown() -> None:
    codes = ("[$-409]d\\-mmm\\-yy;@", "dd/mm/yyyy\\ hh:mm", "h:mm AM/PM", "00000\\-000", "[$R$-416] #,##0.00", "0.00",
             "[$-F400]h:mm:ss")
    used = "".join(f'<xf numFmtId="{200 + n}"/>' for n in range(len(codes)))
    styles = "".join(f'<numFmt numFmtId="{200 + n}" formatCode="{c}"/>' for n, c in enumerate(codes))
    styles += f'<cellXfs><xf numFmtId="0"/>{used}</cellXfs>'
    cells = row(1, "De", "Em", "Às", "CEP", "Valor", "Nota", "Fim") + row(
        2, (46000, 1), (46000.5, 2), (0.375, 3), (1310100, 4), (1250.5, 5), (7.5, 6), (0.75, 7))
    cells += row(3, *"xxxxxxx") + '<row r="4"><c r="A4" t="d"><v>2026-03-01T00:00:00</v></c></row>'
    found = (await read("a.xlsx", book(cells, styles=styles))).text
    assert "De: 2025-12-09\nEm: 2025-12-09 12:00\nÀs: 09:00\nCEP: 01310-100\n" in found
    assert "Valor: R$ 1250.50\nNota: 7.5\nFim: 18:00" in found
    assert found.endswith("De: 2026-03-01")


async def test_hidden_columns_are_left_out_and_told() -> None:
    cells = row(1, "Item", "Custo", "Preço") + row(2, "Mesa", 99, 450)
    found = await read("a.xlsx", book(cells, head='<cols><col min="2" max="2" hidden="1"/></cols>'))
    assert (found.text, found.notes) == ("## S\n\nItem: Mesa\nPreço: 450", ("Hidden columns were left out.",))


OPEN = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="t" xmlns:table="b"'


async def test_open_sheets_have_cells_over_several_too() -> None:
    def cell(said: str, more: str = "") -> str:
        return f"<table:table-cell {more}><text:p>{said}</text:p></table:table-cell>"

    def line(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    gone = "<table:covered-table-cell/>"
    down, across = 'table:number-rows-spanned="2"', 'table:number-columns-spanned="2"'
    body = (line(cell("Plano", down), cell("Preço", across), gone)
            + line(gone, cell("Mês"), cell("Ano")) + line(cell("Ouro"), cell("50"), cell("500")))
    made = packed(**{"content.xml": f'<office:d {OPEN}><table:table table:name="P">{body}</table:table></office:d>'})
    assert (await read("a.ods", made)).text == "## P\n\nPlano: Ouro\nPreço Mês: 50\nPreço Ano: 500"


MIXED = """From: Ana <ana@x.example>
Subject: =?iso-8859-1?q?Or=E7amento?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=a

--a
Content-Type: multipart/related; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain; charset=us-ascii

This mail is written in HTML.
--c
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p>O prazo =E9 de <b>tr=EAs</b> dias, com entrega em todo o estado, e a montagem =E9 gr=E1tis.</p>
--c--
--b
Content-Type: image/png
Content-ID: <logo>

x
--b--
--a
Content-Type: message/rfc822

From: Bia <bia@x.example>
Subject: Medidas
Content-Type: multipart/mixed; boundary=d

--d
Content-Type: text/plain

A mesa tem 180 cm.
--d
Content-Type: application/pdf
Content-Disposition: attachment; filename="planta.pdf"

x
--d--
--a
Content-Type: text/csv; name="precos.csv"
Content-Disposition: attachment; filename="precos.csv"

Item;Valor
--a
Content-Type: text/plain

Enviado pela lista.
--a--
"""


async def test_mails_within_mails_and_what_is_attached_to_them() -> None:
    found = await read("a.eml", MIXED.replace("\n", "\r\n"))
    for said in ("Subject: Orçamento", "**três** dias", "Subject: Medidas", "A mesa tem 180 cm.",
                 "precos.csv:\n\nItem;Valor", "Enviado pela lista."):
        assert said in found.text, said
    assert "written in HTML" not in found.text
    assert set(found.notes) == {
        "Pictures and files shown within it were not read.",
        "The attachment planta.pdf was not read; send it by itself.",
    }


async def test_rtf_of_other_programs() -> None:
    mac = rb"{\rtf1\ansi\ansicpg1252\cocoartf2709{\fonttbl\f0\fswiss\fcharset0 Helvetica;}\f0 Pre\'e7o: 10"
    mac += b"\\\n" + rb"S\'e1bado fechado}"
    wide = rb"{\rtf1\ansi\ansicpg1252\uc1{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}{\f2\fcharset238 C;}}"
    wide += rb"{\header Folha 1}\f0 Hor\'e1rio \u8211\'96 9h {\f1 \'cf\'f0\'e8\'e2\'e5\'f2} {\f2 \'a3\'f3d\'9f}"
    wide += rb"\u-10179?\u-8704?}"
    boxed = rb"{\rtf1\ansi Fora.\par{\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt Dentro da caixa.\par}}"
    boxed += rb"{\shprslt Dentro}}}"
    old = rb"{\rtf1\mac Pre\'8do}"
    found = [await read("a.rtf", raw) for raw in (mac, wide, boxed, old)]
    assert found[0].text == "Preço: 10\nSábado fechado"
    assert found[1].text == "Horário – 9h Привет Łódź\U0001f600"
    assert found[1].notes == ('The headers and footers of the pages were left out: "Folha 1"',)
    assert found[2].text.split() == ["Fora.", "Dentro", "da", "caixa."]
    assert found[3].text == "Preço"


async def test_subtitles_as_they_are_really_written() -> None:
    crowded = "1\n00:00:01,000 --> 00:00:02,000\nOlá, a loja\n2\n00:00:02,000 --> 00:00:03,000\nabre às nove.\n"
    rolling = ("WEBVTT\nKind: captions\n\nNOTE by hand\n\nSTYLE\n::cue {}\n\nfirst\n00:01.000 --> 00:02.000\n"
               "<v Ana>Abre &amp; fecha\n\n00:02.000 --> 00:03.000\n<v Ana>Abre &amp; fecha\n"
               "cedo.<00:02.500><c> Sim.</c>\n")
    assert (await read("a.srt", crowded)).text == "Olá, a loja abre às nove."
    assert (await read("a.vtt", rolling)).text == "Ana: Abre & fecha cedo. Sim."


async def test_books_of_other_makers() -> None:
    made = {
        "META-INF/container.xml": '<c><rootfile full-path="OEBPS/content.opf"/></c>',
        "OEBPS/content.opf": '<?xml version="1.0"?><!DOCTYPE package PUBLIC "-//x" "http://x.example/x.dtd"><package>'
                             '<item id="a" href="Text/cap%201.xhtml"/><item id="b" href="Text/capa.xhtml"/>'
                             '<itemref idref="b"/><itemref idref="a"/></package>',
        "OEBPS/Text/cap 1.xhtml": "<html><body><header><h1>Capítulo 1</h1></header><p>Era uma vez.</p>"
                                  "<aside>Nota: em 1900.</aside></body></html>",
        "OEBPS/Text/capa.xhtml": '<html><head><title>Capa</title></head><body><img src="c.jpg"/></body></html>',
    }
    found = await read("a.epub", packed(**made))
    assert found.text == "# Capítulo 1\n\nEra uma vez.\n\nNota: em 1900."
    assert found.notes == ("Chapter 1 holds no text; it may be a picture.",)
    locked = {**made, "META-INF/encryption.xml": '<e><CipherReference URI="OEBPS/Text/cap%201.xhtml"/></e>'}
    with pytest.raises(Exception, match="protected against copying"):
        await read("a.epub", packed(**locked))


async def test_records_and_pages_within_xml() -> None:
    goods = ('<g><item name="Mesa" price="450"/><item name="Banco" price="80"/></g>',
             "<rss><channel><item><title>Feriado</title><description>&lt;p&gt;Fechado &lt;b&gt;dia 7&lt;/b&gt;"
             "&lt;/p&gt;</description></item></channel></rss>")
    assert (await read("a.xml", goods[0])).text == "name: Mesa\nprice: 450\n\nname: Banco\nprice: 80"
    assert (await read("a.rss", goods[1])).text == "Feriado\ndescription: Fechado dia 7"


async def test_letters_are_those_that_people_type() -> None:
    page = "<p>con\u00adfirmac\u0327a\u0303o o\ufb01cial por R$\u00a050\u200b,00 \u2013 segunda\u2011feira</p>"
    assert (await read("a.html", page)).text == "confirmação oficial por R$ 50,00 – segunda-feira"
    assert (await read("a.txt", "confirmac\u0327a\u0303o")).text == "confirmação"


async def test_text_that_was_cut_off_or_pasted_together_is_read() -> None:
    text = "A manutenção não é feita às sextas; ligue à recepção."
    assert (await read("a.txt", text.encode() + "ção"[:1].encode() + "ã".encode()[:1])).text.startswith(text)
    assert (await read("a.txt", f"{text} Olá, ".encode() + "café".encode("cp1252"))).text == f"{text} Olá, café"


async def test_office_files_whose_parts_are_called_otherwise() -> None:
    from_cloud = io.BytesIO()
    usual = io.BytesIO(book(row(1, "Item", "Preço") + row(2, "Mesa", 450)))
    with zipfile.ZipFile(usual) as given, zipfile.ZipFile(from_cloud, "w") as made:
        for name in given.namelist():
            made.writestr(name.replace("workbook.xml", "workbook2.xml"), given.read(name))
        made.writestr("_rels/.rels", '<r><x Id="r1" Target="/xl/workbook2.xml"/></r>')
    assert "Item: Mesa" in (await read("a.xlsx", from_cloud.getvalue())).text
