"""`ask_for_human`: the model says that a person has to go on with the conversation."""

from hub.accounts import desk
from hub.domain import Json
from hub.store import accounts, human_requests
from hub.tools.base import Context, Result, Tool, schema

# FUNCTION: the switch among a gateway's functions.
NAME, FUNCTION = "ask_for_human", "AskForHuman"
ASKED = schema(["reason"], reason={"type": "string", "maxLength": 500, "description": "Why, in one sentence."})
TEXT = (
    "Call a human colleague into this conversation: when the person asks for one, is upset, or needs something that"
    " you cannot do. Then tell the person what came of it."
)
CALLED = "A human colleague was told and will take over; say so."


def offered(wanted: bool, switched: bool = False) -> list[Tool]:
    """wanted: what comes of a call is read from the conversation by whoever keeps it. switched: by the gateway's own
    switch; the call is noted, and done when the turn is over."""
    if switched:
        return [Tool(NAME, TEXT, ASKED, _call, reserved=True, effect=False)]
    return [Tool(NAME, TEXT, ASKED, _ask, reserved=True, effect=False)] if wanted else []


async def _ask(_: Context, __: Json) -> Result:
    return Result(CALLED)


async def _call(context: Context, given: Json) -> Result:
    found = await accounts.get(context.hub.db, context.account_id)
    if context.session_id is None or found is None:
        return Result(CALLED)
    await human_requests.ask(context.hub.db, context.account_id, context.session_id, "model", given["reason"])
    there = await desk.available(context.hub.db, context.account_id, found.parameters)
    if there.now:
        return Result(CALLED)
    back = f" Somebody is back at {there.opens_at:%Y-%m-%d %H:%M %Z}." if there.opens_at else ""
    return Result(
        f"No human colleague is here now.{back} It was noted that one is wanted. Say so, ask for an e-mail address at"
        " which somebody will answer, and go on helping."
    )
