"""What is told to a customer's server about the turn a call comes from."""

from datetime import UTC, datetime

from hub.domain import Json
from hub.tools.base import Context


def moment() -> str:
    """Now in UTC, `YYYY-MM-DDTHH:MM:SS`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def circumstances(context: Context) -> Json:
    """The `context` of a protocol function's call."""
    return {
        "externalUserId": context.external_user,
        "metadata": dict(context.metadata),
        "callSource": context.source,
        "conversationToken": context.conversation,
        "moment": moment(),
    }


def meta(context: Context, nonce: str | None) -> Json:
    """The `_meta` of a call to an MCP server; metadata of the caller stands beside, it replaces nothing."""
    return {
        **context.metadata,
        "_aiv_nonce": nonce,
        "_aiv_external_user_id": context.external_user,
        "_aiv_call_source": context.source,
        "_aiv_conversation_token": context.conversation,
        "_aiv_moment": moment(),
    }
