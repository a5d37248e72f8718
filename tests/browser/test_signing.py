"""Passkeys and codes in a real browser, with an authenticator that Chromium brings."""

import pyotp
from playwright.async_api import BrowserContext, Page

from tests.api.conftest import Api
from tests.browser.conftest import Watch
from tests.console.conftest import person

PASSWORD = "tulips in the rain"


async def authenticator(context: BrowserContext, page: Page) -> None:
    """A phone that says yes to everything."""
    link = await context.new_cdp_session(page)
    await link.send("WebAuthn.enable")
    await link.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }})


async def newcomer(api: Api, page: Page) -> str:
    """Somebody who came by a link and chose a password, in a browser of `localhost`; their address."""
    who, token = await person(api)
    await page.goto(f"{at(api)}/console/link/{token}")
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/console")
    await page.goto(f"{at(api)}/console/settings")
    await page.get_by_label("New password").fill(PASSWORD)
    await page.locator("form[action='/console/settings/me'] button").click()
    await page.get_by_text("Saved.").wait_for()
    return who.email


def at(api: Api) -> str:
    return api.url.replace("127.0.0.1", "localhost")


async def add_passkey(page: Page, name: str) -> None:
    await page.goto(page.url.split("/console")[0] + "/console/settings/sign-in")
    await page.get_by_label("Name").fill(name)
    await page.locator("form[data-passkey] input[name=old]").fill(PASSWORD)
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_text("The passkey signs you in from now on.").wait_for()


async def signed_out(page: Page) -> None:
    await page.locator("details.me summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/console/login")


async def password_given(page: Page, email: str) -> None:
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/console/second?*")


async def test_a_passkey_signs_in_by_itself_and_as_the_second_step(api: Api, watch: Watch) -> None:
    context = await watch.context()
    page = await context.new_page()
    await authenticator(context, page)
    email = await newcomer(api, page)
    await add_passkey(page, "My laptop")
    await watch.shot(page, "factors", full_page=True)
    assert await page.get_by_text("My laptop").count() == 1
    await signed_out(page)
    await watch.shot(page, "login")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url("**/console")
    await signed_out(page)
    await password_given(page, email)
    await watch.sound(page)
    await watch.shot(page, "second")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url("**/console")
    await context.close()


async def test_an_app_is_set_up_and_asked(api: Api, watch: Watch) -> None:
    context = await watch.context()
    page = await context.new_page()
    email = await newcomer(api, page)
    await page.goto(f"{at(api)}/console/settings/sign-in")
    await page.locator("form[action$='/app'] input[name=old]").fill(PASSWORD)
    await page.get_by_role("button", name="Set up an app").click()
    await page.get_by_text("It cannot be scanned").click()
    app = pyotp.TOTP((await page.locator("details pre").inner_text()).strip())
    await watch.shot(page, "app", full_page=True)
    await watch.sound(page)
    await page.get_by_label("Code").fill(app.now())
    await page.get_by_role("button", name="Turn on").click()
    await page.get_by_role("heading", name="Recovery codes").wait_for()
    await watch.shot(page, "codes", full_page=True)
    codes = (await page.locator("#codes").inner_text()).split()
    assert len(codes) == 10
    await signed_out(page)
    await password_given(page, email)
    await page.get_by_label("Code").fill(codes[0])
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/console")
    await context.close()


THEIRS = """
    select encode(id, 'base64') from operator_passkeys
    where name = 'theirs' and operator_id in (select id from operators where account_id = $1)
"""
OTHERS = """(id) => {
    const form = document.querySelector("form[data-passkey]"), asked = JSON.parse(form.dataset.passkey);
    asked.allowCredentials = [{ id, type: "public-key" }]; form.dataset.passkey = JSON.stringify(asked); }"""


async def test_a_passkey_of_one_person_is_no_second_factor_of_another(api: Api, watch: Watch) -> None:
    """Both have one in the same browser, and the other's answers the challenge of this very page."""
    context = await watch.context()
    page = await context.new_page()
    await authenticator(context, page)
    emails = []
    for name in ("mine", "theirs"):
        emails.append(await newcomer(api, page))
        await add_passkey(page, name)
        await signed_out(page)
    await password_given(page, emails[0])
    theirs = await api.hub.db.value(THEIRS, api.account)
    await page.evaluate(OTHERS, theirs.replace("\n", ""))
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.get_by_text("This is the passkey of somebody else.").wait_for()
    await context.close()
