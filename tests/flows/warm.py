"""What the parent of all forked processes has done before the first of them, so that each finds it done: pages are
minified, the manual and the catalogue of models are read, what comes at first use is there, and nothing that is
imported is looked through for garbage or copied for it.

It is imported there and nowhere else.
"""

import gc
import os
from pathlib import Path

from aiohttp.web_urldispatcher import DynamicResource

from hub.api import manual
from hub.api.app import ROUTES
from hub.api.http import assets
from hub.llm import catalogue
from hub.processes import commands
from hub.tools.schedule.zones import zone_of
from tests.flows.forks import PLACE
from tests.savings import CHEAP, compile_pages_once, passwords_cost, remember_types

remember_types()
if PLACE in os.environ:
    compile_pages_once(Path(os.environ[PLACE]) / "pages")
passwords_cost(CHEAP)
assets.read(assets.FOLDER)
manual.routes()
catalogue.load("", "")
assert zone_of(phone="5511999990000") == "America/Sao_Paulo"
for path in {route.path for route in ROUTES if "{" in route.path}:
    DynamicResource(path)  # what it compiles is remembered
assert commands.COMMANDS
gc.collect()
gc.freeze()
