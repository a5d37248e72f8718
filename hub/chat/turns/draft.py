"""A turn being made, and how what is said gets into it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hub import ids
from hub.chat import content
from hub.chat.turns.broadcast import Broadcast
from hub.chat.turns.drafting import Drafting
from hub.engine import messages as chat_messages
from hub.engine.ask import Answer, Ask
from hub.errors import HubError
from hub.live.leases import Lease
from hub.store.turns import Claim

Json = dict[str, Any]


@dataclass
class Draft:
    """A turn being made; what `turns.complete` will commit."""

    id: UUID
    started: float
    messages: list[Json] = field(default_factory=list)
    parts: list[Json] = field(default_factory=list)
    outcome: str = "answered"
    error: str | None = None
    failure: HubError | None = None
    batch_state: str = "answered"
    answer: Answer | None = None
    ask: Ask | None = None
    reset: bool = False
    said: str = ""
    shown: Broadcast | Drafting | None = None
    quiet: float = 0.0
    lease: Lease | None = None

    def hear(self, claimed: Claim) -> None:
        """What the person wrote stands before what is said."""
        self.messages = [
            {
                "id": row["id"], "role": row["body"].get("role", "user"), "source": "contact", "content": row["body"],
                "network_id": row["network_id"],
            }
            for row in claimed.batch
        ]

    def say(self, text: str, source: str = "model", hidden: bool = False, **extra: Any) -> None:
        if not text and not extra:
            return
        self.messages.append({
            "id": str(ids.uuid7()), "role": "assistant", "source": source, "content": {"text": text, **extra},
            "hidden": hidden,
        })

    def answered(self, made: Sequence[Json], files: Sequence[Json] = ()) -> None:
        """The messages of the answer; what its tools made goes with the last one."""
        added = [(m["role"], stored) for m in made if (stored := content.of_answer(m)) is not None]
        if files and added:
            added[-1][1]["attachments"] = list(files)
        self.messages += [
            {"id": str(ids.uuid7()), "role": role, "source": "model", "content": stored, "hidden": False}
            for role, stored in added
            if stored["text"] or stored.get("tool_calls") or stored.get("attachments")
        ]

    def acted(self) -> str:
        """The tool calls of an answer that was not finished, so that nothing is done again because the model
        does not know of it. Returns what was said with them."""
        made = self.ask.trace.made if self.ask is not None else []
        self.answered(chat_messages.paired(made))
        return "".join(str(m.get("content") or "") for m in made if m["role"] == "assistant")

    def stopped(self) -> None:
        """Somebody pressed stop: what was said so far is kept."""
        self.outcome, self.error = "cancelled", None
        rest = self.said.removeprefix(self.acted())
        if rest:
            self.say(rest, cancelled=True)


@dataclass(frozen=True, slots=True)
class Done:
    """A committed turn as its caller needs it."""

    turn_id: UUID
    outcome: str
    error: str | None
    messages: list[Json]
    answer: Answer | None
