"""Documents are cut along their structure, and nothing is lost."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.knowledge.chunk import CONTEXT, LONGEST, pieces

BITS = st.sampled_from(
    [
        "# Um\n", "## Dois\n\n", "### Três ###\n", "texto curto. ", "\n\n", "\n", "\r\n", "- item\n", "1. item\n",
        "```\n", "    código\n", "| a | b |\n|---|---|\n", "> cita\n", "palavra " * 40, "x" * 1000,
        "Frase um. Frase dois! Frase três? " * 10, "<div>\n", "[a]: b\n", "---\n", "\t", "日本語。", "\f", "\x0b",
        "\u2028",
    ]
)


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(BITS, st.text(max_size=30)), max_size=40))
def test_nothing_is_lost(bits: list[str]) -> None:
    text = "".join(bits)
    found = pieces(text)
    assert "".join(p.body for p in found).strip() == normal(text).strip()
    assert all(p.body.strip() for p in found)
    assert all(len(p.body.strip()) <= LONGEST and len(p.context) <= CONTEXT for p in found)


def test_sections_are_pieces_with_the_headings_above() -> None:
    long = "Uma frase sobre o assunto com algum tamanho. " * 6
    found = pieces(f"# Loja\n\n## Trocas\n\n{long}\n\n## Frete\n\n{long}\n\n### Sul\n\n{long}")
    assert [(p.context, p.body.split("\n")[0]) for p in found] == [
        ("", "# Loja"),
        ("Loja", "## Frete"),
        ("Loja > Frete", "### Sul"),
    ]
    assert found[1].text.startswith("Loja\n\n## Frete")


def test_setext_headings_count() -> None:
    long = "Uma frase sobre o assunto com algum tamanho. " * 6
    found = pieces(f"Loja\n====\n\n{long}\n\nTrocas\n------\n\n{long}")
    assert [p.context for p in found] == ["", "Loja"]


def test_a_long_paragraph_is_cut_at_sentences() -> None:
    found = pieces("Esta é uma frase de tamanho médio que fala de trocas. " * 60)
    assert all(p.body.strip().endswith(".") for p in found)
    assert all(500 < len(p.body) <= LONGEST for p in found[:-1])


def test_a_hash_in_code_is_no_heading() -> None:
    code = "```sh\n# not a heading\n" + "echo hello world\n" * 20 + "```\n"
    found = pieces(f"# Setup\n\n{code}\n" + "Then it runs. " * 30)
    assert all("not a heading" not in p.context for p in found)
    assert found[0].body.count("```") == 2


def test_blank_is_nothing() -> None:
    assert pieces("") == pieces(" \n\t\n") == []


def test_a_million_characters_take_little_time() -> None:
    assert len(pieces("Uma linha do texto, sem fim.\n" * 35_000)) > 1000
    assert len(pieces("x" * 1_000_000)) > 1000
    assert len(pieces("> " * 20_000 + "[" * 20_000 + "*a" * 20_000)) > 1
