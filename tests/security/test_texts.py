"""Loops over somebody's text: what is meant to take long takes no longer than its length, or holds nobody up."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from channels.markup import split
from channels.outbound import Style
from hub.chat.inbound import commands, consent
from hub.chat.outbound import delivery
from hub.chat.outbound.paragraphs import blocks
from hub.chat.website import speech
from hub.knowledge.chunk import pieces
from hub.language.human_requests import wants_human
from hub.llm import heal
from hub.studio.aresgen.workflow import template
from tests.security.doors import watching

N = 60_000
TELEGRAM, WHATSAPP = Style("html", 4096, 1024, utf16=True, entities=100), Style("whatsapp", 4096, 1024)
HOSTILE = {
    "brackets": "[" * N, "pictures": "![" * (N // 2), "links": "[a](" * (N // 4), "stars": "*a" * (N // 2),
    "strikes": "~~a" * (N // 3), "braces": "{" * N, "templates": "{{" * (N // 2), "dots": "." * N, "quotes": '"' * N,
    "fences": "```\n" * (N // 4), "tables": "a|" * 3000 + "\n" + "-|" * 3000 + "\n" + "|\n" * 2000,
    "wishes": "quero falar com " * (N // 16), "someone": "can someone " * (N // 12), "zalgo": "a\u0301" * (N // 2),
    "articles": "a " * (N // 2), "forty articles": "a " * 40, "real ones": "real human " * 30,
    "calls": "Action: a\nAction Input: {" * (N // 25), "blanks": " " * N, "letters": "a" * N,
}
LOOPS: dict[str, Callable[[str], Any]] = {
    "an answer's files": blocks,
    "an answer as speech": speech._readable,
    "a document's pieces": pieces,
    "a wish for a person": wants_human,
    "a stop": lambda text: consent.parse(text, {}),
    "a command": lambda text: commands.parse(text, True),
    "JSON that is to be mended": heal.repaired,
    "a workflow's templates": lambda text: list(template.paths(text)),
}
# Far more than is needed on a machine that has no time; what grows with the square never ends within it.
SECONDS = 30.0


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_over_a_text_ends_soon(loop: str, text: str) -> None:
    begun = time.thread_time()
    LOOPS[loop](HOSTILE[text][:20_000] if loop == "JSON that is to be mended" else HOSTILE[text])
    assert time.thread_time() - begun < SECONDS


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("style", [TELEGRAM, WHATSAPP], ids=["Telegram", "WhatsApp"])
def test_markdown_ends_soon(style: Style, text: str) -> None:
    begun = time.thread_time()
    split(HOSTILE[text][:16_000], style)
    assert time.thread_time() - begun < SECONDS


@dataclass
class Here:
    loop: asyncio.AbstractEventLoop
    thread: int


@pytest.mark.parametrize("text", ["lines", "headings", "lists", "quotes", "links"])
async def test_an_answer_that_is_long_to_render_holds_nobody_up(text: str) -> None:
    said = {"lines": "a\n", "headings": "# a\n", "lists": "1. a\n", "quotes": "> a\n", "links": "[a](b) "}[text] * 3000
    to = delivery.Address("1", "reconcile", TELEGRAM)
    await delivery.rendered("warm *up* " * 500, uuid4(), to)
    with watching(Here(asyncio.get_running_loop(), threading.get_ident())) as slow:
        parts = await delivery.rendered(said, uuid4(), to)
    assert parts and not slow, "\n".join(slow)
