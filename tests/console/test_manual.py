"""The way from the console to the manual."""

import re

from tests.api.conftest import Api
from tests.console.conftest import Desk
from tests.console.town import fill


async def test_the_console_leads_to_the_manual(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 1, by=desk.who.id)
    home = (await desk.get("/console")).text
    conversation = (await desk.get(f"/console/inbox/{town['sessions'][0]}")).text
    for page, wanted in (
        (home, {"/manual?lang=en", "/manual/start?lang=en"}),
        (conversation, {"/manual?lang=en", "/manual/console?lang=en"}),
    ):
        linked = set(re.findall(r'href="(/manual[^"]*)"', page))
        assert linked >= wanted
        for path in linked:
            assert (await desk.get(path)).status == 200, path


async def test_who_reads_spanish_is_led_to_the_manual_in_spanish(desk: Desk) -> None:
    """By the setting of the person, whatever the browser asks for."""
    await desk.api.hub.db.run("update operators set language = 'es' where id = $1", desk.who.id)
    for place, chapter in (("", "/start"), ("/webhooks", "/events")):
        linked = set(re.findall(r'href="(/manual[^"]*)"', (await desk.get(f"/console{place}")).text))
        assert linked == {"/manual?lang=es", f"/manual{chapter}?lang=es"}, place
        for path in linked:
            assert '<html lang="es">' in (await desk.get(path)).text
