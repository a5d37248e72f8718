"""An operator records a voice note, hears it and sends it; the person gets it as a voice message that can be heard."""

from playwright.async_api import expect

from tests.browser.conftest import Watch
from tests.browser.test_console import business, seat
from tests.console.business import Business, until
from tests.console.town import fill

__all__ = ["business"]
# The browser's own decoder, which knows nothing of how it was made.
HEARD = """async (address) => {
    const raw = await (await fetch(address)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(raw);
    return [sound.duration, sound.getChannelData(0).reduce((a, b) => Math.max(a, b), 0)];
}"""


async def test_a_voice_note_is_recorded_heard_and_sent(business: Business, watch: Watch) -> None:
    b = business
    town = await fill(b.api.hub, b.api.account, 3)
    me = await seat(watch, b, permissions=["microphone"], viewport={"width": 360, "height": 740})
    page = await me.open(f"/console/inbox/{town['sessions'][0]}")
    mic = page.get_by_role("button", name="Record a voice note")
    await mic.click()
    await expect(mic).to_have_attribute("aria-pressed", "true")
    await watch.sound(page, "recording")
    await watch.shot(page, "voice-recording")
    await page.wait_for_timeout(1500)  # that is what is recorded
    await mic.click()
    await expect(mic).to_have_attribute("aria-pressed", "false")
    await expect(page.locator("#chosen")).to_contain_text("voice.webm")
    await Watch.until(page, "document.querySelector('#chosen audio')?.readyState > 0")
    await watch.sound(page, "recorded")
    await watch.shot(page, "voice-recorded")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("button", name="Send", exact=True).click()
    row = await until(lambda: b.api.hub.db.row("select token, mime, content from files where name = 'voice.ogg'"))
    assert row["mime"] == "audio/ogg" and bytes(row["content"]).startswith(b"OggS")
    seconds, loudest = await page.evaluate(HEARD, f"/media/{row['token']}")
    assert 1 < seconds < 10 and loudest > 0.01
    await expect(page.locator("#log audio")).to_have_count(1)
    await expect(page.locator("#chosen")).to_be_hidden()
    assert me.wrong == []


async def test_where_the_microphone_is_refused_it_is_said(business: Business, watch: Watch) -> None:
    town = await fill(business.api.hub, business.api.account, 3)
    me = await seat(watch, business)
    page = await me.open(f"/console/inbox/{town['sessions'][0]}")
    await page.evaluate("""navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error("Not here")); 0""")
    mic = page.get_by_role("button", name="Record a voice note")
    await mic.click()
    await expect(page.get_by_role("alert")).to_have_text("The browser does not allow it: Not here")
    await expect(mic).not_to_have_attribute("aria-pressed", "true")
    # The words that were typed, and files chosen afterwards, are not touched by it.
    await page.fill("#text", "Hello")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("#recent")).to_contain_text("Hello")
    assert me.wrong == []


async def test_whoever_presses_again_while_the_browser_asks_is_recorded_once(business: Business, watch: Watch) -> None:
    town = await fill(business.api.hub, business.api.account, 3)
    me = await seat(watch, business, permissions=["microphone"])
    page = await me.open(f"/console/inbox/{town['sessions'][0]}")
    await page.evaluate("""() => {
        const devices = navigator.mediaDevices, real = devices.getUserMedia.bind(devices);
        window.streams = [];
        window.allow = new Promise((done) => { window.allowed = done; });
        devices.getUserMedia = (what) => window.streams.push(allow.then(() => real(what))) && window.streams.at(-1);
    }""")
    mic = page.get_by_role("button", name="Record a voice note")
    await mic.click()
    await Watch.until(page, "streams.length === 1")
    await mic.click()
    await page.evaluate("allowed()")
    await expect(mic).to_have_attribute("aria-pressed", "true")
    await mic.click()
    await expect(page.locator("#chosen audio")).to_have_count(1)
    tracks = "Promise.all(streams).then((all) => all.flatMap((one) => one.getTracks().map((t) => t.readyState)))"
    assert await page.evaluate(tracks) == ["ended"]
    assert await page.evaluate("streams.length") == 1
    assert me.wrong == []
