"""Structured logs without secrets."""

import asyncio
import logging
import re
import sys
from contextlib import nullcontext
from typing import Any, TextIO

import orjson

from hub.request_id import request_id

_NAMES = r"(?<![\w-])[\w-]*(?:key|token|secret|password|passwd|signature|sig)"
# What says of itself that it is secret (a query, a header, JSON, a Python literal), and what is known by its shape.
_SECRETS = (
    (re.compile(r"(?i)((?:authorization|cookie)[\"']?(?:\s*[:=]\s*|\s*,\s*)b?[\"']?)[^\"'\r\n]+"), r"\1***"),
    (re.compile(rf"(?i)({_NAMES}(?:[\"']?\s*[:=]\s*|[\"']\s*,\s*)b?[\"']?)[^\s\"'&,;)}}\]]+"), r"\1***"),
    (re.compile(r"(?i)(bearer|basic)\s+[\w.=+/:-]{8,}"), r"\1 ***"),
    (re.compile(r"(://[^:/@\s]*:)[^\s/\"']*@"), r"\1***@"),
    (re.compile(r"bot\d{5,}:[\w-]{10,}"), "bot***"),
    (re.compile(r"\b\d{6,}:[\w-]{30,}"), "***"),
    (re.compile(r"\b(sk|pk)-[\w-]{8,}"), r"\1-***"),
    (re.compile(r"wky_[a-z0-9]{10,}"), "wky_***"),
    (re.compile(r"(/webhooks/\w+/[\w-]+/)[\w-]+"), r"\1***"),
    (re.compile(r"(/instances/[\w-]+/token/|/media/|/hosted/)[\w-]+"), r"\1***"),
)


ACCESS = "hub.access"
# Seconds for which lines about requests wait for each other, and how many at most.
TOGETHER, LINES = 0.05, 500


def scrub(text: str) -> str:
    """The text without anything that looks like a secret."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class _Formatter(logging.Formatter):
    def __init__(self, process: str, as_json: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")
        self._process = process
        self._json = as_json
        self._second = (0, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """Worked out once a second: it costs more than the rest of a line."""
        second, text = self._second
        if second != int(record.created):
            text = super().formatTime(record, datefmt)
            self._second = int(record.created), text
        return text

    def format(self, record: logging.LogRecord) -> str:
        # A line about a request is made without secrets (hub.api.http.middleware.shown).
        clean = record.name == ACCESS
        if not self._json:
            rid = request_id.get()
            if clean and not record.exc_info:
                at = self.formatTime(record, self.datefmt)
                text = f"{at} {record.levelname} {record.name} {record.getMessage()}"
            else:
                text = super().format(record)
                text = text if clean else _storable(scrub(text))
            return f"[{self._process}] {text}" + (f" request={rid}" if rid else "")
        text = record.getMessage()
        line: dict[str, Any] = {
            "at": self.formatTime(record, self.datefmt), "level": record.levelname.lower(), "process": self._process,
            "logger": record.name, "message": _storable(text if clean else scrub(text)), "request": request_id.get(),
        }
        if record.exc_info:
            line["trace"] = _storable(scrub(self.formatException(record.exc_info)))
        return orjson.dumps(line).decode()


class _Handler(logging.StreamHandler[TextIO]):
    """Lines about requests wait for a moment and are written together; every other line is written at once, after
    them."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        loop = _running() if record.name == ACCESS and record.levelno < logging.WARNING else None
        if loop is None:
            self.write()
            super().emit(record)
            return
        if not self._waiting:
            loop.call_later(TOGETHER, self.write)
        self._waiting.append(self.format(record))
        if len(self._waiting) >= LINES:
            self.write()

    def write(self) -> None:
        """What waits."""
        with self.lock or nullcontext():
            lines, self._waiting = self._waiting, []
            if lines:
                self.stream.write("".join(f"{line}{self.terminator}" for line in lines))
                self.flush()

    def close(self) -> None:
        self.write()
        super().close()


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _storable(text: str) -> str:
    """Lone surrogates (damaged text from outside) would make the line impossible to write."""
    return text.encode(errors="backslashreplace").decode()


def set_up(process: str, level: str, as_json: bool) -> None:
    """Log to standard error, one line a record."""
    handler = _Handler(sys.stderr)
    handler.setFormatter(_Formatter(process, as_json))
    # No line says who wrote it where, and finding it out costs as much as the rest.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # as the manual of logging says
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("arq", "apscheduler", "aiohttp.access", "asyncio", "httpx2", "mcp"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
