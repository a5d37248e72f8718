"""Pages whose answers are folded away, told to search engines, or drawn by scripts; tables with large cells; PDF."""

import io
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText

from hub.errors import Unreadable
from hub.knowledge.children.pdf import COMPOUND
from tests.knowledge import papers
from tests.knowledge.here import read

HIDDEN = 'style="display: none"'
FOLDED = {
    "w3": f'<button class="accordion">Q</button><div class="panel" {HIDDEN}><p>A</p></div>',
    "flowbite": '<h2><button data-accordion-target="#x1">Q</button></h2><div id="x1" class="hidden" hidden>A</div>',
    "onclick": f"<button onclick=\"toggle(document.getElementById('q9'))\">Q</button><hr><div id=q9 {HIDDEN}>A</div>",
    "alpine": f'<div x-data><button @click="open = !open">Q</button><div x-show="open" {HIDDEN}>A</div></div>',
    "definition": f"<dl><dt>Q</dt><dd {HIDDEN}>A</dd></dl>",
    "link": f'<p><a href="#r7">Q</a></p><section><p id="r7" {HIDDEN}>A</p></section>',
    "role": f'<div role="button" tabindex="0">Q</div><div {HIDDEN}>A</div>',
    "wrapped": f'<div class="faq-item"><h3>Q</h3><div {HIDDEN}>A</div></div>',
    "microdata": f'<div itemscope itemtype="https://schema.org/Question"><h3 itemprop="name">Q</h3><div {HIDDEN} '
                 'itemprop="acceptedAnswer"><p itemprop="text">A</p></div></div>',
    "found": '<h3>Q</h3><div hidden="until-found">A</div>',
    "tabs": '<div role="tablist"><button role="tab" aria-controls="p1">Q</button></div><div id="p1" hidden>A</div>',
    "details": "<details><summary><span>Q</span></summary><p>A</p></details>",
    "shadow": '<x-faq><template shadowrootmode="open"><h3>Q</h3><p>A</p></template></x-faq>',
}


@pytest.mark.parametrize("kind", FOLDED)
async def test_what_a_reader_can_open_is_read(kind: str) -> None:
    said = FOLDED[kind].replace(">Q<", ">Entregam no domingo?<").replace(">A<", ">Sim, até as 14 horas.<")
    found = await read("a.html", f"<title>FAQ</title><body><h1>Dúvidas</h1>{said}<p {HIDDEN}>cupom</p></body>")
    assert "Entregam no domingo?" in found.text and "até as 14 horas" in found.text, found
    assert "cupom" not in found.text and 'Hidden text was left out: "cupom"' in found.notes


async def test_remarks_that_are_cut_say_so() -> None:
    found = await read("a.html", "<p>Rua A.</p>" + "".join(f"<p {HIDDEN}>cupom {n}</p>" for n in range(25)))
    assert len(found.notes) == 21 and found.notes[-1] == "5 more remarks of this kind are not listed."


async def test_buttons_that_open_nothing_are_left_out() -> None:
    page = "<h1>Loja</h1><p>Rua A.</p><button>Comprar</button><p>Rua B.</p><button aria-haspopup=menu>Menu</button>"
    assert (await read("a.html", page)).text == "# Loja\n\nRua A.\n\nRua B."


TOLD: dict[str, str] = {
    "graph": '{"@graph": [{"@type": "WebPage"}, {"@type": ["FAQPage"], "mainEntity": ONE}]}',
    "typed": '{"@type": "https://schema.org/FAQPage", "mainEntity": [ONE,],}',
    "list": "[{\"@type\": \"QAPage\", \"mainEntity\": ONE}]",
    "comment": "<!-- {\"mainEntity\": ONE} -->",
}
ONE = ('{"@type": "Question", "name": "Aceitam vale-troca?", "acceptedAnswer": [{"@type": "Answer", "text": '
       '"<p>Sim,\n por &lt;90&gt; dias.</p>"}]}')


@pytest.mark.parametrize("kind", TOLD)
async def test_what_a_page_tells_search_engines_is_read(kind: str) -> None:
    script = f'<script type="application/ld+json; charset=utf-8">{TOLD[kind].replace("ONE", ONE)}</script>'
    found = await read("a.html", f"<head><title>Loja</title>{script}</head><body><h1>Aceitam vale-troca?</h1></body>")
    assert "### Aceitam vale-troca?\n\nSim, por" in " ".join(found.text.split(" ")), found.text
    assert "90" in found.text


@pytest.mark.parametrize("body", [
    '<div id="q-app">Carregando...</div>', '<app-root>Loading…</app-root>', "<div>Please wait</div>",
    "<div>You need to enable JavaScript to run this app.</div>", "<noscript>Ative o JavaScript</noscript>", "",
    "<h1>Loja</h1><p>Para continuar, habilite o JavaScript do seu navegador.</p>",
])
async def test_pages_that_wait_for_their_scripts_are_refused(body: str) -> None:
    with pytest.raises(Unreadable, match="drawn by JavaScript"):
        await read("a.html", f"<head><title>Loja</title></head><body>{body}<script src=a.js></script></body>")


async def test_a_short_page_about_scripts_is_a_page() -> None:
    page = "<title>Curso</title><body><p>Aulas de JavaScript por R$ 50.</p><script src=count.js></script></body>"
    assert "R$ 50" in (await read("a.html", page)).text


async def test_pages_of_forms_and_what_stands_beside_the_main_part() -> None:
    page = """<body><form id="aspnetForm"><input type="hidden" name="__VIEWSTATE" value="abc"/><div id="pnl">
        <a href="javascript:__doPostBack('x','')">Prazo de troca</a><span id="lbl">Sete dias.</span>
        <table><tr><td>Rua Bahia</td><td>88</td></tr></table></div></form></body>"""
    found = await read("a.aspx", page)
    assert "Prazo de troca" in found.text and "doPostBack" not in found.text and "| Rua Bahia | 88 |" in found.text
    beside = "O frete para a ilha custa R$ 40 e leva doze dias, sempre às quintas, se o mar deixar. Pergunte antes."
    main = f"<main><p>{'Texto principal. ' * 12}</p></main>"
    two = await read("a.html", f"{main}<div>{beside}</div><footer>Rua A, 1</footer>")
    assert "frete" not in two.text and any(n.startswith("What stands outside of the main part") for n in two.notes)
    assert 'The footer of the page was left out: "Rua A, 1"' in two.notes
    small = await read("a.html", f"<main><p>Bem-vindo</p></main><div>{beside * 8}</div>")
    assert "frete" in small.text


async def test_cells_over_several_rows_and_columns_stand_in_each() -> None:
    page = """<table><tr><th rowspan=2>Plano</th><th colspan=2>Preço</th></tr><tr><th>Mês</th><th>Ano</th></tr>
        <tr><td rowspan=2>Ouro</td><td>50</td><td>500</td></tr><tr><td>55</td><td>550</td></tr>
        <tr><td>Prata</td><td colspan=2>grátis</td></tr></table>"""
    assert (await read("a.html", page)).text == (
        "| Plano | Preço Mês | Preço Ano |\n| --- | --- | --- |\n| Ouro | 50 | 500 |\n| Ouro | 55 | 550 |\n"
        "| Prata | grátis | grátis |"
    )


def drawn(*lines: tuple[float, float, str]) -> bytes:
    """A page whose words stand where they are put, in this order."""
    words = "".join(f"BT /F1 10 Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET\n" for x, y, text in lines).encode("cp1252")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(words), words),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    made, places = b"%PDF-1.5\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    rows = b"".join(b"%010d 00000 n \n" % p for p in places)
    table = b"xref\n0 6\n0000000000 65535 f \n%strailer << /Size 6 /Root 1 0 R >>\n" % rows
    return made + table + b"startxref\n%d\n%%%%EOF" % len(made)


async def test_two_columns_that_are_drawn_line_by_line() -> None:
    left = [f"coluna esquerda, linha {n} do texto corrido" for n in range(8)]
    right = [f"coluna direita, linha {n} do outro texto" for n in range(8)]
    lines = [(x, 800 - 14 * n, t) for n in range(8) for x, t in ((50.0, left[n]), (320.0, right[n]))]
    found = (await read("a.pdf", drawn(*lines))).text
    assert found.split("\n") == left + right or [w for w in found.split("\n") if w] == left + right, found
    prices = [(x, 800 - 14 * n, t) for n in range(8) for x, t in ((50.0, f"Produto {n}"), (320.0, f"R$ {n},00"))]
    assert "Produto 3 | R$ 3,00" in (await read("a.pdf", drawn(*prices))).text


@pytest.mark.parametrize(("whole", "kept"), [
    ("segunda-feira", True), ("pós-venda", True), ("recém-chegados", True), ("comprá-lo", True), ("e-mail", True),
    ("clien-te", False), ("sema-na", False), ("deta-lhe", False), ("pre-sente", False), ("em-bora", False),
])
def test_hyphens_at_the_end_of_a_line(whole: str, kept: bool) -> None:
    assert bool(COMPOUND.search(whole)) == kept


async def test_what_is_typed_onto_a_page_is_read_and_what_is_attached_is_told() -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(papers.pdf("Nome do cliente:"))))
    writer.add_annotation(0, FreeText(text="Maria da Conceição", rect=(50, 50, 250, 80)))
    writer.add_attachment("precos.txt", b"x")
    found = await read("a.pdf", papers.written(writer))
    assert "Nome do cliente:" in found.text and "Maria da Conceição" in found.text
    assert found.notes == ("1 file attached to it was not read.",)


def stamped(words: str) -> bytes:
    """A scanned page with a line of text that a program put on it."""
    image: Any = pypdfium2.PdfDocument(papers.pdf("Contrato"))[0].render(scale=1).to_pil()
    made = io.BytesIO()
    Image.Image.save(image.convert("RGB"), made, "PDF", resolution=72)
    page = PdfReader(io.BytesIO(papers.pdf(words))).pages[0]
    writer = PdfWriter(clone_from=PdfReader(made))
    writer.pages[0].merge_page(page)
    return papers.written(writer)


async def test_a_scanned_page_with_a_stamp_is_told() -> None:
    found = await read("a.pdf", stamped("Digitalizado com CamScanner"))
    assert found.text == "Digitalizado com CamScanner" and found.scanned == (1,)
    assert found.notes == ("Page 1 seems to be scanned; only what is written beside the picture was read.",)
