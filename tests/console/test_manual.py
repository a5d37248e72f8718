"""The way from the console to the manual."""

import re

from tests.api.conftest import Api
from tests.console.conftest import Desk
from tests.console.town import fill


async def test_the_console_leads_to_the_manual(desk: Desk, api: Api) -> None:
    town = await fill(api.hub, api.account, 1, by=desk.who.id)
    home = (await desk.get("/console")).text
    conversation = (await desk.get(f"/console/inbox/{town['sessions'][0]}")).text
    for page, wanted in ((home, {"/manual"}), (conversation, {"/manual", "/manual/console"})):
        linked = set(re.findall(r'href="(/manual[^"]*)"', page))
        assert linked >= wanted
        for path in linked:
            assert (await desk.get(path)).status == 200, path
