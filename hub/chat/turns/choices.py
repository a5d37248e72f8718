"""What an answer offers to choose from, and what is typed instead of pressed."""

from typing import Any

from channels.outbound import Style
from hub.chat import choices
from hub.engine.ask import Answer
from hub.runtime import Hub
from hub.store.turns import Claim

Json = dict[str, Any]


def heard(claimed: Claim) -> None:
    """The words of a choice that stands for others are taken for those."""
    last = next((m for m in reversed(claimed.history) if m["role"] == "assistant"), None)
    listed = choices.of(last["content"].get("choices")) if last else []
    known = {c["label"].casefold(): c["text"] for c in listed if "text" in c}
    for row in claimed.batch if known else ():
        said = str(row["body"].get("text") or "").strip()
        if (meant := known.get(said.casefold())) and not row["body"].get("button"):
            row["body"] = {**row["body"], "text": meant, "button": said}


def offer(hub: Hub, claimed: Claim, answer: Answer, messages: list[Json]) -> None:
    """The answer's last message gets its own choices; with the first answer on a network that has buttons, the chat
    client's suggestions."""
    if not messages or messages[-1]["role"] != "assistant" or answer.withheld:
        return
    if found := choices.of(answer.choices) or _suggested(hub, claimed):
        messages[-1]["content"]["choices"] = found


def buttons(style: Style, claimed: Claim) -> bool:
    """Whether choices are buttons in this conversation."""
    one = claimed.integration
    group = any(row["body"].get("group") for row in claimed.batch)
    return one is not None and choices.delivered(style, one["mode"], one["settings"], group)


def _suggested(hub: Hub, claimed: Claim) -> list[Json]:
    first = claimed.batch[0] if claimed.batch else None
    if claimed.integration is None or first is None or claimed.history:
        return []
    if first["command"] or first["body"].get("group"):
        return []
    if not buttons(hub.channels[claimed.integration["channel"]].style, claimed):
        return []
    given = claimed.client["parameters"].get("suggestionButtons") or ()
    return choices.of([{"label": b.get("label"), "text": b.get("prompt")} for b in given])
