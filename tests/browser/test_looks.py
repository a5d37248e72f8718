"""Every parameter of a chat client acts in the page: each is seen once without it and once with it."""

import asyncio
from typing import Any

from playwright.async_api import FilePayload, expect

from tests.api.chatting import OGG, PNG, visiting
from tests.api.conftest import Api
from tests.browser.conftest import Watch
from tests.browser.test_chat import answers, page_of
from tests.fakes.model import says

Json = dict[str, Any]
FREE = {"messagesPerHour": 0, "maxMessages": 0}


async def ask(watch: Watch, page: Any, text: str, count: int = 1) -> None:
    await page.fill("#text", text)
    await page.keyboard.press("Enter")
    await watch.until(page, answers(count))


async def test_words_and_colours(api: Api, watch: Watch) -> None:
    """languageCode, pageTitle, helloLabel, helloSubLabel, textAreaPlaceholder, primaryColor, logoImageUrl,
    customStyles, suggestionButtons, inputModes, debug."""
    async with visiting(api, FREE) as plain:
        page = await watch.open(page_of(api, plain.key))
        assert await page.title() == "Chat Assistant"
        assert await page.locator("#hello").inner_text() == "Hello!\n\nHow can I help you?"
        assert await page.get_attribute("#text", "placeholder") == "Type a message…"
        assert await page.locator("#file, #mic, #debug, header img, .chips button, main + iframe").count() == 0
        assert await page.evaluate("document.documentElement.lang") == "en"
        grey = await page.evaluate("getComputedStyle(document.querySelector('#send')).backgroundColor")
    looks: Json = {
        "languageCode": "pt-BR",
        "pageTitle": "Loja",
        "helloLabel": "Oi!",
        "helloSubLabel": "Pergunte.",
        "textAreaPlaceholder": "Sua pergunta",
        "primaryColor": "rgb(0 90 60)",
        "logoImageUrl": "https://shop.example/l.png",
        "customStyles": "#hello h2 { font-size: 41px }",
        "inputModes": ["Image", "Audio"],
        "debug": True,
        "suggestionButtons": [{"label": "Preços", "prompt": "Quanto custa?"}],
    }
    async with visiting(api, FREE, **looks) as me:
        context = await watch.context()
        await context.route("https://shop.example/l.png", lambda r: r.fulfill(body=PNG, content_type="image/png"))
        page = await watch.open(page_of(api, me.key), context, "https://shop.example")
        assert await page.title() == "Loja" and await page.locator("h1").inner_text() == "Loja"
        assert await page.evaluate("document.documentElement.lang") == "pt-BR"
        assert (await page.locator("#hello").inner_text()).startswith("Oi!\n\nPergunte.")
        assert await page.get_attribute("#text", "placeholder") == "Sua pergunta"
        assert await page.get_attribute("#send", "aria-label") == "Enviar"
        assert await page.evaluate("getComputedStyle(document.querySelector('h2')).fontSize") == "41px"
        assert await page.evaluate("getComputedStyle(document.querySelector('#send')).backgroundColor") != grey
        assert await page.evaluate("document.querySelector('header img').naturalWidth") == 1
        assert (
            await page.get_attribute("#file", "accept") == "image/*,audio/*" and await page.locator("#mic").is_visible()
        )
        await page.get_by_role("button", name="Preços").click()
        await watch.until(page, answers(1))
        assert await page.locator(".user").inner_text() == "Quanto custa?"
        await watch.until(page, "/turn .*\"promptTokens\":12/.test(document.querySelector('#debug').textContent)")
    watch.clean()


async def test_one_language_is_sent(api: Api, watch: Watch) -> None:
    async with visiting(api, FREE) as me:
        page = await watch.open(page_of(api, me.key), await watch.context(locale="es-MX"))
        assert await page.evaluate("document.documentElement.lang") == "es"
        html = await page.content()
        assert "Enviar" in html and "Senden" not in html and "Send" not in html.replace("Senden", "")


async def test_files_the_chat_takes(api: Api, watch: Watch) -> None:
    """inputModes refuses what is not in it; uploadUnsupportedFiles takes it; voice is recorded and heard."""
    archive = FilePayload(name="a.bin", mimeType="application/x-thing", buffer=b"\x00\x01\x02")
    async with visiting(api, FREE, inputModes=["Audio"]) as me:
        page = await watch.open(page_of(api, me.key))
        await page.set_input_files("#file", archive)
        await watch.until(page, "document.querySelector('#status').innerText.includes('cannot be sent here')")
        await page.click("#mic")
        await watch.until(page, "document.querySelector('#mic').ariaPressed === 'true'")
        await asyncio.sleep(0.5)  # something has to be recorded
        await page.click("#mic")
        await watch.until(page, answers(1))
        assert await page.locator(".user audio").count() == 1
        assert await api.hub.db.value("select mime from files where account_id = $1", api.account) == "audio/webm"
        await page.reload()
        assert await page.locator(".user audio").count() == 1
    assert watch.errors == [] and watch.foreign == []
    async with visiting(api, FREE, uploadUnsupportedFiles=True) as me:
        page = await watch.open(page_of(api, me.key))
        assert await page.get_attribute("#file", "accept") is None
        await page.set_input_files("#file", archive)
        await watch.until(page, "document.querySelector('#files').innerText.includes('a.bin')")
        await ask(watch, page, "Take this")
        assert "a.bin" in await page.locator(".user").inner_text() and "a.bin" in str(me.asked[-1]["content"])
        assert await page.locator(".user a").get_attribute("href") is not None


async def test_tool_calls(api: Api, watch: Watch) -> None:
    """showToolCalls: the tools at work while they work, and afterwards; without it none."""
    call = {"index": 0, "id": "c1", "function": {"name": "evaluate_code", "arguments": '{"code": "1 + 1"}'}}
    for shows in (False, True):
        async with visiting(api, FREE, showToolCalls=shows) as me:
            await me.set(builtinFunctions=["Code"])
            me.model.plan.extend(
                [says("Let me see.", tool_calls=[call], finish="tool_calls"), says("It ", "is ", "two.", delay=0.2)]
            )
            page = await watch.open(page_of(api, me.key))
            await page.fill("#text", "1 + 1?")
            await page.keyboard.press("Enter")
            if shows:
                await watch.until(page, "document.querySelector('.in .tool')?.innerText.includes('evaluate_code')")
            await watch.until(
                page, "document.body.innerText.includes('It is two.') && document.querySelector('#stop').hidden"
            )
            assert ("evaluate_code" in await page.inner_text("main")) is shows
            await page.reload()
            assert ("evaluate_code" in await page.inner_text("main")) is shows
    watch.clean()


async def test_answers_in_chunks(api: Api, watch: Watch) -> None:
    """splitAnswerIntoMessageChunks: a bubble for each part, lists and code whole."""
    for split, bubbles in ((False, 1), (True, 3)):
        async with visiting(api, FREE, splitAnswerIntoMessageChunks=split) as me:
            me.model.default = says("One.\n\n- a\n- b\n\nThree.")
            page = await watch.open(page_of(api, me.key))
            await ask(watch, page, "Hi")
            await expect(page.locator(".assistant .b")).to_have_count(bubbles)
    watch.clean()


async def test_answers_aloud(api: Api, watch: Watch) -> None:
    """audioSynthesisSource: the hub's voice is asked; without it, or when it has none, the browser's own."""
    spoken = "window.__said = []; speechSynthesis.speak = (u) => window.__said.push([u.text, u.lang]);"
    for source, asked in (("None", 0), ("Gpt4oTts", 1)):
        async with visiting(api, FREE, audioSynthesisSource=source) as me:
            context = await watch.context()
            await context.add_init_script(spoken)
            page = await watch.open(page_of(api, me.key), context)
            await ask(watch, page, "Hi")
            watch.requests.clear()
            await page.get_by_role("button", name="Listen").click()
            await watch.until(page, "window.__said.length === 1")
            assert await page.evaluate("window.__said") == [["Hello from the model.", "en"]]
            assert sum(u.endswith("/audio") for u in watch.requests) == asked
    assert watch.errors == [] and watch.foreign == []


async def test_scripts_of_a_business_stay_in_their_sandbox(api: Api, watch: Watch) -> None:
    """customScripts run, and reach neither the page, nor its cookies, nor the visitor's key."""
    script = """
        const found = [location.ancestorOrigins?.[0], document.referrer, String(self.origin)];
        for (const path of ["parent.document", "top.document", "document.cookie", "localStorage.x"])
            try { found.push(path + ":" + path.split(".").reduce((o, n) => o[n], self)); } catch { found.push("no"); }
        parent.postMessage({ draft: found.join(" "), do: "send", text: "forged" }, document.referrer);
    """
    async with visiting(api, FREE, customScripts=script) as me:
        page = await watch.open(page_of(api, me.key))
        await watch.until(page, "document.querySelector('#text').value !== ''")
        told = await page.input_value("#text")
        assert told.split(" ")[:3] == [api.url, f"{api.url}/", "null"] and told.split(" ")[3:] == ["no"] * 4
        assert me.key not in told and await me.said() == []
        got = await api.call("GET", f"/c/{me.client}/scripts", key="")
        assert got.headers["Content-Security-Policy"].startswith("sandbox allow-scripts;")
    async with visiting(api, FREE) as plain:
        page = await watch.open(page_of(api, plain.key))
        assert await page.locator("iframe").count() == 0


async def test_a_message_that_was_scheduled(api: Api, watch: Watch) -> None:
    """allowScheduledContinuations: the assistant may come back by itself, and the open page shows it."""
    names = []
    for allowed in (False, True):
        async with visiting(api, FREE, {"tag": "ana"}, allowScheduledContinuations=allowed) as me:
            page = await watch.open(page_of(api, me.key))
            await ask(watch, page, "Remind me")
            tools = me.model.calls[-1].body.get("tools", [])
            names.append({t["function"]["name"] for t in tools})
    assert not names[0] and any("schedule" in n for n in names[1])


async def test_sound_files_of_others_are_files(api: Api, watch: Watch) -> None:
    """A picture or a sound that a message brings is shown from the hub; anything else is a link."""
    async with visiting(api, FREE, inputModes=["Audio", "Image", "Document"]) as me:
        for raw, mime, name in (
            (OGG, "audio/ogg", "v.ogg"),
            (PNG, "image/png", "p.png"),
            (b"text", "text/plain", "n.txt"),
        ):
            kept = (await me.upload(raw, mime, name)).body
            await me.prompt([{"role": "user", "content": [{"type": "file", "file": {"file_id": kept["id"]}}]}])
        page = await watch.open(page_of(api, me.key))
        await watch.until(page, answers(3))
        assert await page.locator(".user audio, .user img, .user a").count() == 3
        assert all("/media/" in u for u in watch.requests if u.startswith(f"{api.url}/media"))
    watch.clean()
