"""`ask_for_human`: the model says that a person has to go on with the conversation."""

from hub.domain import Json
from hub.tools.base import Context, Result, Tool, schema

NAME = "ask_for_human"
ASKED = schema(["reason"], reason={"type": "string", "maxLength": 500, "description": "Why, in one sentence."})


def offered(wanted: bool) -> list[Tool]:
    """What comes of a call is read from the conversation by whoever keeps it."""
    text = (
        "Call a human colleague into this conversation: when the person asks for one, is upset, or needs something that"
        " you cannot do. Tell the person that a colleague will take over."
    )
    return [Tool(NAME, text, ASKED, _ask, reserved=True, effect=False)] if wanted else []


async def _ask(_: Context, __: Json) -> Result:
    return Result("A human colleague was told and will take over; say so.")
