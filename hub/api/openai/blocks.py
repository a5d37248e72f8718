"""`rendering_mode: textual_blocks`: reasoning and tools as blocks inside the text, in the order of time."""

import html
from dataclasses import replace

from hub.domain import Json
from hub.llm.types import Delta

GROUP, THINK, ANSWER = "thinking-group", "think", "assistant-answer"


class Blocks:
    """Turns pieces of an answer into text with blocks; closes what it opened."""

    def __init__(self) -> None:
        self._open: list[str] = []

    def take(self, delta: Delta) -> Delta | None:
        """The piece as text; tool calls of the caller pass."""
        text = ""
        if delta.reasoning:
            text += self._within([GROUP, THINK]) + delta.reasoning
        if delta.event is not None and delta.event["state"] == "Running":
            text += self._within([GROUP]) + _status(delta.event)
        if delta.text:
            text += self._within([ANSWER]) + delta.text
        if not (text or delta.tool_calls or delta.refusal or delta.beside or delta.around or delta.logprobs):
            return None
        return replace(delta, text=text, reasoning="", details=(), event=None)

    def end(self) -> Delta | None:
        text = self._within([])
        return Delta(text) if text else None

    def _within(self, wanted: list[str]) -> str:
        """What closes the blocks that are open and opens those that are wanted."""
        if self._open == wanted:
            return ""
        kept = 0
        while kept < min(len(self._open), len(wanted)) and self._open[kept] == wanted[kept]:
            kept += 1
        closed = "".join(f"\n</{name}>" for name in reversed(self._open[kept:]))
        gap = "" if not (self._open and wanted) else "\n\n" if not kept else "\n" if self._open[kept:] else ""
        opened = "".join(f"<{name}>\n" for name in wanted[kept:])
        self._open = list(wanted)
        return closed + gap + opened


def _status(event: Json) -> str:
    """A line for one tool; its name and reason are a model's words, so they are escaped."""
    name = html.escape(str(event["name"]))
    reason = html.escape(str((event.get("explanation") or {}).get("reason") or ""))
    return f'<div class="tool-result reason" data-tool-name="{name}"><b>{name}</b><span>{reason}</span></div>\n'
