"""What is looked for in a page is what a selector of CSS would find, without loading what reads selectors."""

import random
import subprocess
import sys
from typing import Any

import pytest
import soupsieve

from hub.knowledge.children import soups, web
from hub.knowledge.extract import FOLDER

WORDS: dict[str, str] = {
    "NOISE": "script, style, noscript, template, svg, canvas, object, embed, nav, select, input, textarea, dialog, "
    "head, [role=navigation], [role=banner], [role=contentinfo], [role=search], [role=dialog]",
    "ROOTS": "#root, #app, #__next, #__nuxt, #main-app, #___gatsby, #svelte, #q-app, #mount, app-root, "
    "[data-reactroot], [ng-app]",
    "AROUND": "nav, noscript, header, footer, aside, select, dialog, [role=navigation], [role=banner], "
    "[role=contentinfo], [role=search], [role=dialog]",
    "MAIN": "main, [role=main]",
    "FRAME": "iframe",
    "BUTTON": "button, [role=tab]",
    "SHADOW": "template[shadowrootmode], template[shadowroot]",
    "FILE": "object[data], embed[src]",
    "PICTURE": "img[alt]",
}
NAMES = (
    "div", "p", "a", "nav", "main", "header", "footer", "aside", "select", "dialog", "script", "template", "button",
    "object", "embed", "img", "iframe", "app-root", "section", "head", "svg", "input", "NAV", "Main",
)
ATTRIBUTES = (
    "", "role=navigation", "role=main", "role=tab", "role=Main", "role=dialog", "role", "id=root", "id=app", "id=x",
    "data-reactroot", "ng-app=a", "shadowrootmode=open", "data=x", "src=y", "alt", "alt=z",
    "class=nav", "role='main x'",
)


def page(seed: int) -> Any:
    """Elements within elements, of any names and attributes."""
    chance, text, open_ = random.Random(seed), "", list[str]()
    for _ in range(300):
        if open_ and chance.random() < 0.4:
            text += f"</{open_.pop()}>"
        else:
            open_.append(chance.choice(NAMES))
            text += f"<{open_[-1]} {' '.join(chance.choices(ATTRIBUTES, k=2))}>x"
    return soups.BeautifulSoup(text, "html.parser")


@pytest.mark.parametrize("name", WORDS)
def test_as_selectors_find_it(name: str) -> None:
    kind, found = getattr(web, name), 0
    for seed in range(20):
        soup = page(seed)
        # Of a template too, or not, as the library's age is: it is no part of the page.
        there = [one for one in soupsieve.select(WORDS[name], soup) if one.find_parent("template") is None]
        assert [id(one) for one in kind.all(soup)] == [id(one) for one in there]
        assert kind.first(soup) is (there[0] if there else None)
        found += len(there)
    assert found


def test_a_page_is_read_without_what_takes_longer_to_load() -> None:
    asked = (
        b'{"kind":"html","seconds":5,"memory":900000000,"pages":1,"rows":1,"unpacked":1,"longest":10000,"cut":false,'
        b'"links":true}\n<main><p>Open at <a href="JavaScript:x()">nine</a></p><nav>no</nav></main>'
    )
    command = [sys.executable, "-I", "-X", "utf8", "-X", "importtime", str(FOLDER / "web.py")]
    done = subprocess.run(command, input=asked, capture_output=True, check=True)
    assert b"Open at nine" in done.stdout
    assert b"bs4.builder" in done.stderr
    for name in (b"soupsieve.", b"charset_normalizer.", b"lxml."):
        assert name not in done.stderr
