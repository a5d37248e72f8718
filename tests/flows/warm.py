"""What the parent of all forked processes has done before the first of them, so that each finds it done: pages are
packed, the manual is read, and nothing that is imported is looked through for garbage or copied for it.

It is imported there and nowhere else.
"""

import gc

from hub.api import manual
from hub.api.http import assets
from hub.processes import commands
from tests.savings import CHEAP, passwords_cost, remember_types

remember_types()
passwords_cost(CHEAP)
assets.read(assets.FOLDER)
manual.routes()
assert commands.COMMANDS
gc.collect()
gc.freeze()
