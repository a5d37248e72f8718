"""What a trace tells of a turn."""

from hub.domain import Json
from hub.store.turns import Claim


def about(claimed: Claim) -> Json:
    """What a trace tells of a turn: no words of anybody."""
    return {
        "gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": str(claimed.session_id),
        "messaging.system": claimed.integration["channel"] if claimed.integration else "web",
        "messaging.batch.message_count": len(claimed.batch), "hub.epoch": claimed.epoch,
    }
