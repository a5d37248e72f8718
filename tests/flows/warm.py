"""What the parent of all forked processes has done before the first of them, so that each finds it done: pages are
minified, the manual is read, and nothing that is imported is looked through for garbage or copied for it.

It is imported there and nowhere else.
"""

import gc
import os
from pathlib import Path

from hub.api import manual
from hub.api.http import assets
from hub.processes import commands
from tests.flows.forks import PLACE
from tests.savings import CHEAP, compile_pages_once, passwords_cost, remember_types

remember_types()
if PLACE in os.environ:
    compile_pages_once(Path(os.environ[PLACE]) / "pages")
passwords_cost(CHEAP)
assets.read(assets.FOLDER)
manual.routes()
assert commands.COMMANDS
gc.collect()
gc.freeze()
