"""Markdown as it is meant, by one grammar in chat and inbox; formulas; and the small things of a day at the chat."""

import io
from typing import Any

import pillow_heif
import pytest
from PIL import Image
from playwright.async_api import FilePayload, Page

from tests.api.chatting import visiting
from tests.api.conftest import Api
from tests.browser.conftest import Site, Watch, chat_of
from tests.browser.test_widget import BUTTON, embed, of_hub, said
from tests.fakes.model import says

FREE = {"messagesPerHour": 0, "maxMessages": 0}
RENDER = """(text) => import("/assets/markdown.js").then(({ render }) => {
    const box = document.createElement("div");
    box.append(...render(text, "Copy"));
    for (const one of box.querySelectorAll("[tabindex], [target], [rel], [loading], [type], [class]"))
        for (const name of ["tabindex", "target", "rel", "loading", "type", "class"]) one.removeAttribute(name);
    for (const one of box.querySelectorAll("[data-tex]")) one.replaceWith(`{${one.tagName} ${one.dataset.tex}}`);
    return box.innerHTML;
})"""
CASES = {
    "a\nb": "<p>a<br>b</p>",
    "- a\n  - b\n    - c\n- d": "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ul>",
    "1. a\n   - b\n\n2. c": "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>",
    "1. a\n  - b\n  - c\n2. d": "<ol><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ol>",
    "3. a\n4. b": '<ol start="3"><li>a</li><li>b</li></ol>',
    "- a\n\n  b\n- c": "<ul><li>a<p>b</p></li><li>c</li></ul>",
    "- a\n  ```\n  x\n  ```": "<ul><li>a<div><pre><code>x</code></pre><button>Copy</button></div></li></ul>",
    "- [ ] a\n- [x] b": '<ul><li><input disabled="" aria-label="☐">a</li>'
    '<li><input disabled="" aria-label="☑">b</li></ul>',
    "* a\n1. b": "<ul><li>a</li></ul><ol><li>b</li></ol>",
    "> a\n> > b\n\nc": "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote><p>c</p>",
    "> - a\n> - b": "<blockquote><ul><li>a</li><li>b</li></ul></blockquote>",
    "# a\n### b\n## c\n# d": "<h2>a</h2><h3>b</h3><h3>c</h3><h2>d</h2>",
    "### a ###\n#b": "<h2>a</h2><p>#b</p>",
    "a|b\n-|:-:\n1|`x|y`\n2|p\\|q": '<div><table><thead><tr><th scope="col">a</th>'
    '<th scope="col" style="text-align: center;">b</th></tr></thead><tbody><tr><td>1</td>'
    '<td style="text-align: center;"><code>x|y</code></td></tr><tr><td>2</td>'
    '<td style="text-align: center;">p|q</td></tr></tbody></table></div>',
    "**a *b* c** ~~d~~ ***e***": "<p><strong>a <em>b</em> c</strong> <s>d</s> <strong><em>e</em></strong></p>",
    "snake_case_name 2*3*4 \\*x\\*": "<p>snake_case_name 2<em>3</em>4 *x*</p>",
    "`` a`b `` `c`": "<p><code>a`b</code> <code>c</code></p>",
    "[a](https://x.example/b_(c) \"t\") <https://y.example>": '<p><a href="https://x.example/b_(c)">a</a> '
    '<a href="https://y.example/">https://y.example</a></p>',
    "See https://x.example/a_(b), www.y.example.": '<p>See <a href="https://x.example/a_(b)">'
    'https://x.example/a_(b)</a>, <a href="https://www.y.example/">www.y.example</a>.</p>',
    "me@x.example": '<p><a href="mailto:me@x.example">me@x.example</a></p>',
    "[x](javascript:alert(1)) <b>": "<p>x &lt;b&gt;</p>",
    "![a](/media/abc123) ![b](https://evil.example/x.png)": '<p><img src="/media/abc123" alt="a"> '
    '<a href="https://evil.example/x.png">b</a></p>',
    "It costs $5 or $10.": "<p>It costs $5 or $10.</p>",
    "So $x^2$ and \\(y\\) is": "<p>So {SPAN x^2} and {SPAN y} is</p>",
    "$$\na+b\n$$\n\\[c\\]": "{DIV a+b}{DIV c}",
    "~~~py\n# x\n~~~": '<div><pre data-language="py"><code># x</code></pre><button>Copy</button></div>',
    "---\n\n***": "<hr><hr>",
}
LONG = {
    "quotes": ">" * 20_000, "stars": "*a " * 7000, "brackets": "[" * 20_000, "mail": "a" * 20_000, "list": "- " * 9000,
}


@pytest.fixture
async def blank(api: Api, watch: Watch) -> Page:
    async with visiting(api, FREE) as me:
        return await watch.open(f"{api.url}/chat/{me.key}")


async def test_the_grammar(blank: Page) -> None:
    wrong = {}
    for text, wanted in CASES.items():
        if (found := await blank.evaluate(RENDER, text)) != wanted:
            wrong[text] = (found, wanted)
    assert wrong == {}
    for name, text in LONG.items():
        assert await blank.evaluate(RENDER, text), name


def answers(count: int) -> str:
    return f"document.querySelectorAll('.assistant .acts').length === {count}"


async def ask(watch: Watch, page: Page, text: str, count: int) -> None:
    await page.fill("#text", text)
    await page.keyboard.press("Enter")
    await watch.until(page, answers(count))


async def test_what_is_loaded_only_when_it_occurs(api: Api, watch: Watch) -> None:
    """Plain words load nothing; marks load the grammar, a formula its renderer, under the page's own policy."""
    async with visiting(api, FREE) as me:
        page = await watch.open(f"{api.url}/chat/{me.key}")
        me.model.default = says("Good morning")
        await ask(watch, page, "Hi", 1)
        assert not [u for u in of_hub(watch, api) if "markdown" in u or "math" in u]
        marks = "See **this**:\n\n```py\nx = 1\n```\n\n| a | b |\n|---|---|\n| unbreakable | 2 |"
        me.model.default = says(marks)
        await ask(watch, page, "And now? https://x.example", 2)
        await watch.until(page, "document.querySelector('.assistant:last-of-type strong')?.innerText === 'this'")
        assert await page.locator(".user a").get_attribute("href") == "https://x.example/"
        assert await page.get_by_role("button", name="Copy").count() >= 2
        assert not [u for u in of_hub(watch, api) if "math" in u]
        formulas = "It is $\\frac{a}{b}$ and\n\n$$\\sum_{i=1}^n i$$\n\nor $5 to $6, not $\\nonsense$."
        me.model.default = says(formulas)
        await ask(watch, page, "Formula", 3)
        await watch.until(page, "document.querySelectorAll('.assistant math').length === 2")
        text = await page.inner_text(".assistant:last-of-type .b")
        assert "$5 to $6" in text and "$\\nonsense$" in text, "what cannot be drawn stays readable"
        assert await page.evaluate("window.__blocked") == []
        await page.set_viewport_size({"width": 1024, "height": 2000})  # nothing lies under the header
        await watch.sound(page)
        await page.reload()
        await watch.until(page, "document.querySelectorAll('.assistant math').length === 2")
    watch.clean()


async def test_a_long_answer_begins_at_its_start(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE) as me:
        me.model.default = says(*(f"Line {n}.\n\n" for n in range(80)), delay=0.005)
        page = await watch.open(f"{api.url}/chat/{me.key}")
        await ask(watch, page, "Tell me all", 1)
        top = "document.querySelector('.assistant').getBoundingClientRect().top - log.getBoundingClientRect().top"
        assert 0 <= await page.evaluate(top) < 60
        await page.reload()
        await watch.until(page, answers(1))
        await watch.until(page, f"({top}) >= 0 && ({top}) < 60")
    watch.clean()


async def test_enter_of_an_input_method_and_what_is_refused(api: Api, watch: Watch) -> None:
    limits = {"messagesPerHour": 1, "maxMessages": 0}
    async with visiting(api, limits, languageCode="pt-BR", inputModes=["Image"]) as me:
        page = await watch.open(f"{api.url}/chat/{me.key}")
        await page.fill("#text", "nihao")
        await page.evaluate("""() => {
            const e = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
            Object.defineProperty(e, "keyCode", { value: 229 });
            document.querySelector("#text").dispatchEvent(e);
        }""")
        assert await page.input_value("#text") == "nihao" and await page.locator("article").count() == 0
        archive = FilePayload(name="a.zip", mimeType="application/zip", buffer=b"PK\x03\x04x")
        await page.set_input_files("#file", archive)
        await watch.until(page, "document.querySelector('#status').innerText.includes('Este tipo de arquivo')")
        pillow_heif.register_heif_opener()
        made = io.BytesIO()
        Image.new("RGB", (64, 48), "red").save(made, "HEIF")
        for name, mime in (("IMG_1.HEIC", "image/heic"), ("IMG_2.heic", "application/octet-stream")):
            await page.set_input_files("#file", FilePayload(name=name, mimeType=mime, buffer=made.getvalue()))
            await watch.until(page, f"document.querySelector('#files').innerText.includes('{name.split('.')[0]}.jpg')")
        await page.keyboard.press("Enter")
        await page.click("#send")
        await watch.until(page, answers(1))
        assert await page.evaluate("[...document.querySelectorAll('.user img')].map((i) => i.naturalWidth)") == [64, 64]
        broken = FilePayload(name="b.heic", mimeType="image/heic", buffer=made.getvalue()[:200])
        await page.set_input_files("#file", broken)
        await watch.until(page, "document.querySelector('#status').innerText.includes('b.heic: Este tipo')")
        await page.fill("#text", "Mais uma")
        await page.keyboard.press("Enter")
        told = "/Pode continuar às \\d\\d:\\d\\d/.test(document.querySelector('.user .note')?.innerText)"
        await watch.until(page, told)
    assert watch.errors == []


async def test_who_answers_is_shown_at_once(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE) as me:
        context = await watch.context(permissions=["notifications"])
        page = await watch.open(f"{api.url}/chat/{me.key}", context)
        await ask(watch, page, "Hi", 1)
        base = f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}"
        await api.ok("PUT", f"{base}/handoff", {"active": True})
        await watch.until(page, "document.querySelector('#status').innerText.includes('A person')")
        # A tab that nobody looks at hears of it all the same, where its owner wants to be told.
        await page.evaluate("""() => {
            window.told = [];
            window.Notification = class { static permission = "granted"; constructor(t, o) { told.push(o.body); } };
            Object.defineProperty(document, "hidden", { value: true, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""")
        await api.ok("POST", f"{base}/messages", {"content": "I am here."})
        await watch.until(page, "window.told.includes('I am here.')")
        await page.evaluate("""() => {
            Object.defineProperty(document, "hidden", { value: false });
            document.dispatchEvent(new Event("visibilitychange"));
        }""")
        await api.ok("PUT", f"{base}/handoff", {"active": False})
        await watch.until(page, "document.querySelector('#status').innerText.includes('answers again')")
    watch.clean()


@pytest.mark.parametrize("there", ["localhost", "127.0.0.1"])
async def test_on_a_developers_machine(api: Api, watch: Watch, site: Site, there: str) -> None:
    """http on either name of this machine keeps the conversation; the script loaded twice is there once, on the side
    and above the bar that the site wants."""
    async with visiting(api, FREE) as me:
        script = embed(api, me, "data-side=start data-offset=70")
        site.put("/", script + script)
        url = f"{site.url}/".replace("127.0.0.1", there)
        page = await watch.open(url, None, api.url)
        await page.wait_for_selector(BUTTON)
        await page.evaluate("(src) => new Promise((done) => document.body.append(Object.assign("
            "document.createElement('script'), { src, onload: done })))", f"{api.url}/w/{me.client}.js")
        assert await page.locator("hub-chat").count() == 1
        box: Any = await page.locator(BUTTON).bounding_box()
        assert (box["x"], box["y"] + box["height"]) == (20, 800 - 90)
        await said(watch, page, "Remember me")
        await page.reload()
        await watch.until(await chat_of(page), "document.querySelectorAll('article').length === 2")
    watch.clean()
