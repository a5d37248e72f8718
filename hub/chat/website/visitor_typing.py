"""That a visitor writes, and what, for the operators who look at the conversation: told at once and kept nowhere."""

from hub.chat.news import of_account
from hub.domain import Json
from hub.runtime import Hub
from hub.store.web_sessions import Visit

VISITOR = "visitor_types"
# Characters of a draft that are shown; how often a page may tell of it in a minute.
DRAFT, MOST, MINUTE = 2000, 60, 60.0


async def tell(hub: Hub, seen: Visit, active: bool, text: str | None) -> None:
    """Nothing where the business does not want it; a draft only where it says so. What comes too often is dropped."""
    how = seen.parameters.get("visitorTyping", "hidden")
    if how == "hidden" or await hub.limits.take("visitor typing", str(seen.session_id), MOST, MINUTE):
        return
    told: Json = {"type": VISITOR, "sessions": [str(seen.session_id)], "active": active}
    if how == "draft" and active:
        told["text"] = (text or "")[:DRAFT]
    await hub.events.publish(of_account(seen.account_id), told)
