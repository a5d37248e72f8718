"""Whether an answer is said as well: asked for when it is stored, made beside the turns."""

from typing import Any

from hub.live.queue import Bell
from hub.runtime import Hub
from hub.store.turns import Claim

Json = dict[str, Any]
SPOKEN = ("voice", "audio")


async def ask(hub: Hub, claimed: Claim, outcome: str, messages: list[Json]) -> None:
    """Ring for the last answer of a turn, where its chat client wishes it. A lost bell costs the sound alone."""
    if claimed.integration is None or outcome != "answered" or not _wished(claimed):
        return
    said = [m for m in messages if m["role"] == "assistant" and m["source"] == "model" and m["content"].get("text")]
    if said:
        args = str(claimed.account["id"]), str(claimed.session_id), str(said[-1]["id"])
        await hub.queue.ring([Bell("speak", args, f"v:{said[-1]['id']}", bulk=True)])


def _wished(claimed: Claim) -> bool:
    """The source of sound, and when it is wanted: to every message, or to those that were spoken."""
    p = claimed.client["parameters"]
    wanted = p.get("voiceAnswers") or "never"
    if (p.get("audioSynthesisSource") or "None") == "None" or wanted == "never":
        return False
    heard = (a.get("media") for row in claimed.batch for a in row["body"].get("attachments") or ())
    return wanted == "always" or any(media in SPOKEN for media in heard)
