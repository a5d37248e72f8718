"""Neighbours of what people sent: pages, tables and records as other programs write them."""

import pytest

from hub.errors import Unsupported
from tests.knowledge.here import read

PAGES: dict[str, tuple[str, str]] = {
    "tabs of Bootstrap stand in a menu": (
        '<nav><div class="nav nav-tabs" role="tablist"><button role="tab" data-bs-target="#a">Casa</button>'
        '<button role="tab" data-bs-target="#b">Firma</button></div></nav><div class="tab-content">'
        '<div id="a" role="tabpanel"><p>R$ 1</p></div><div id="b" role="tabpanel"><p>R$ 2</p></div></div>',
        "#### Casa\n\nR$ 1\n\n#### Firma\n\nR$ 2",
    ),
    "tabs are links": (
        '<ul><li><a data-toggle="tab" href="#a">Casa</a></li><li><a data-toggle="tab" href="#b">Firma</a></li></ul>'
        '<div id="a" class="tab-pane">R$ 1</div><div id="b" class="tab-pane">R$ 2</div>',
        "#### Casa\n\nR$ 1\n\n#### Firma\n\nR$ 2",
    ),
    "a tab within what it shows": (
        '<div id="a"><button role="tab" aria-controls="a">Casa</button><p>R$ 1</p></div>', "#### Casa\n\nR$ 1"
    ),
    "words that are drawn": (
        "<p>Veja</p><svg><title>Desenho</title><text x='1'>Ouro</text><text>R$ 99</text></svg>", "Veja\n\nOuro R$ 99"
    ),
    "a picture with a name of its own": ('<p>Veja <img src="a.png" title="Mapa da loja"></p>', "Veja  Mapa da loja"),
}


@pytest.mark.parametrize("name", PAGES)
async def test_pages(name: str) -> None:
    body, text = PAGES[name]
    found = await read("a.html", f"<html><body>{body}</body></html>")
    assert (found.text, found.notes) == (text, ())


@pytest.mark.parametrize(("given", "text"), [
    ("Nome,Preço,Nota\nMesa,450\nCama,900,boa,nova\n",
     "Nome: Mesa\nPreço: 450\n\nNome: Cama\nPreço: 900\nNota: boa\nColumn 4: nova"),
    ("Nome;Preço;Nota\nMesa;450\nCama;900;boa;nova\nSofá;1\n",
     "Nome: Mesa\nPreço: 450\n\nNome: Cama\nPreço: 900\nNota: boa\nColumn 4: nova\n\nNome: Sofá\nPreço: 1"),
    ("Pergunta\nVocês abrem; fecham?\nSim; às 9h\n", "Pergunta: Vocês abrem; fecham?\n\nPergunta: Sim; às 9h"),
])
async def test_tables(given: str, text: str) -> None:
    assert (await read("a.csv", given)).text == text


async def test_what_stands_beside_the_words_of_records() -> None:
    given = '<c><item sku="A1" id="x9">Mesa</item><p><name>Cama</name><price cur="BRL">9</price></p></c>'
    found = await read("a.xml", given)
    assert "item: Mesa (sku: A1)" in found.text and "name: Cama\nprice: 9 (cur: BRL)" in found.text
    assert "x9" not in found.text


@pytest.mark.parametrize("name", ["a.json", "a.JSONL"])
async def test_letters_that_json_wrote_as_numbers(name: str) -> None:
    given = r'{"a": "Ol\u00e1 \ud83d\ude00", "b": "\u0022 \u000a \\u00e1 \ud83d"}'
    assert (await read(name, given)).text == r'{"a": "Olá 😀", "b": "\u0022 \u000a \\u00e1 \ud83d"}'
    assert (await read("a.txt", r"say \u00e1")).text == r"say \u00e1"


HTML = "<html><table><tr><th>Produto</th><th>Preço</th></tr><tr><td>Mesa</td><td>450</td></tr></table></html>"
XML = (
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="{0}" xmlns:ss="{0}"><Worksheet '
    'ss:Name="Preços"><Table><Row><Cell><Data>Produto</Data></Cell><Cell ss:Index="3"><Data>Preço</Data></Cell></Row>'
    '<Row><Cell><Data ss:Type="String">Mesa</Data></Cell><Cell ss:Index="3"><Data>450</Data></Cell></Row></Table>'
    "</Worksheet></Workbook>"
).format("urn:schemas-microsoft-com:office:spreadsheet")


@pytest.mark.parametrize(("name", "given", "text"), [
    ("a.xls", HTML, "| Produto | Preço |\n| --- | --- |\n| Mesa | 450 |"),
    ("a.xls", "Produto\tPreço\nMesa\t450\n", "Produto: Mesa\nPreço: 450"),
    ("a.xls", XML, "## Preços\n\nProduto: Mesa\nPreço: 450"),
    ("a.xml", XML, "## Preços\n\nProduto: Mesa\nPreço: 450"),
    ("a.doc", r"{\rtf1\ansi Pre\'e7o: 10}", "Preço: 10"),
    ("a.doc", "<html xmlns:w='x'><body><p>Preço: 10</p></body></html>", "Preço: 10"),
])
async def test_files_that_are_called_as_those_of_old_programs(name: str, given: str, text: str) -> None:
    assert (await read(name, given)).text.strip() == text


@pytest.mark.parametrize("name", ["a.xls", "a.doc"])
async def test_files_of_old_programs_are_of_no_kind_that_is_read(name: str) -> None:
    with pytest.raises(Unsupported, match="is of a kind that is not read"):
        await read(name, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000) + b"Mesa\t450;")
