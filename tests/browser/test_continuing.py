"""The way from the chat page to another network, as a visitor finds it."""

from hub import ids
from tests.api.chatting import visiting
from tests.api.conftest import Api
from tests.browser.conftest import Watch
from tests.fakes.model import says

LINK = (
    "insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode, state, handle)"
    " values ($1, $2, $3, $4, '\\x00', '\\x00', 'reconcile', 'registered', $5)"
)


async def test_a_visitor_is_shown_where_to_go_on(api: Api, watch: Watch) -> None:
    async with visiting(api) as me:
        me.model.default = says("Hello")
        page = await watch.open(f"{api.url}/chat/{me.key}")
        assert await page.locator("#on").count() == 0, "there is no network to go to"
        for channel, handle in (("telegram", "aurora_bot"), ("zapi", None)):
            await api.hub.db.run(LINK, ids.uuid7(), api.account, me.client, channel, handle)
        await me.prompt("my order is AZUL-77")
        await page.reload()
        await page.click("#more")
        await page.click("#on")
        await watch.until(page, "document.querySelector('#ways a')")
        link = await page.locator("#ways a").get_attribute("href")
        shown = await page.locator("#ways").inner_text()
        code = str(link).partition("?start=")[2]
        assert str(link).startswith("https://t.me/aurora_bot?start=") and len(code) == 12
        assert "-".join((code[:4], code[4:8], code[8:])) in shown
        # Asked for again, it is another one in the place of the first.
        await page.click("#more")
        await page.click("#on")
        await watch.until(page, f"document.querySelector('#ways a').href !== {link!r}")
        assert await page.locator("#ways a").count() == 1
        assert await api.hub.db.value("select count(*) from continuations where account_id = $1", api.account) == 1
    watch.clean()
