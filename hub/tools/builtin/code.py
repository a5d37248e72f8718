"""`evaluate_code`: JavaScript in a process that can reach nothing."""

import json

import orjson

from hub.child_processes import GRACE
from hub.domain import Json
from hub.tools import child, http_replies
from hub.tools.base import Context, Result, Tool, ToolFailed, schema
from hub.tools.builtin.common import Options, text

SECONDS, MEMORY = 10.0, 128 << 20
LONGEST, OUTPUT = 20_000, 1_000_000
STOPPED = "The code was stopped: it needs more memory or time than it may have."
SCHEMA = schema(
    ["code"], code=text("JavaScript. The value of the last expression is the result, as JSON.", 100_000)
)
DESCRIPTION = (
    "Runs JavaScript and gives what it logs and its result. There is no network, no files, no imports and no page: "
    "use it to calculate, to convert and to work through data."
)


def evaluate_code(_: Options) -> Tool:
    return Tool("evaluate_code", DESCRIPTION, SCHEMA, _evaluate, effect=False)


async def _evaluate(context: Context, arguments: Json) -> Result:
    seconds = min(SECONDS, max(1.0, context.left - GRACE))
    asked = {"code": arguments["code"], "seconds": seconds, "memory": MEMORY, "longest": LONGEST}
    made = await child.run(
        context.hub.children, "javascript", json.dumps(asked).encode(), seconds=seconds, longest=OUTPUT
    )
    try:
        # A process that died of its memory may have said so before.
        said = orjson.loads(made.output)
    except orjson.JSONDecodeError:
        raise ToolFailed(STOPPED) from None
    logs = "".join(f"{line}\n" for line in said["logs"])
    if said["error"] is not None:
        raise ToolFailed(http_replies.cut(f"{logs}{said['error']}", LONGEST))
    value = "undefined" if said["value"] is None else said["value"]
    return Result(http_replies.cut(f"{logs}Result: {value}", 2 * LONGEST))
