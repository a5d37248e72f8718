"""Logs tell no secret and no message, in text and as JSON."""

import ast
import base64
import io
import logging
import secrets
import string
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from hub import ids
from hub.processes.logs import scrub, set_up
from hub.request_id import request_id

ROOT = Path(__file__).parents[2]
WORD = string.ascii_letters + string.digits


def word(size: int = 32) -> str:
    return "".join(secrets.choice(WORD) for _ in range(size))


# Where a secret may stand in a text; `{}` is the secret.
SHAPES = (
    "GET https://api.telegram.org/bot123456789:{}/getMe",
    "https://api.telegram.org/file/bot123456789:{}/photo.jpg",
    "POST https://api.z-api.io/instances/3C01/token/{}/send-text",
    "/api/v1/webhooks/telegram/018f-aa/{}",
    "/api/v1/webhooks/evolution/018f-aa/{}/messages-upsert",
    "https://hub.example/media/{}",
    "GET /x?api-key={}&page=2",
    "/x?apikey={}",
    "/x?a=1&access_token={} ended",
    "/x?token={}",
    "/x?hub.secret={}",
    "/x?X-Amz-Signature={}",
    "/x?sig={}",
    "Authorization: Bearer {}",
    "authorization: {}",
    "{{'Authorization': 'Bearer {}'}}",
    "(b'Authorization', b'Basic {}')",
    "{{'apikey': '{}'}}",
    "X-API-Key: {}",
    "{{'Client-Token': '{}'}}",
    "(b'Client-Token', b'{}')",
    "X-Telegram-Bot-Api-Secret-Token: {}",
    "Cookie: console={}; path=/",
    "Set-Cookie: session={}",
    '{{"apiKey":"{}"}}',
    '{{"botToken": "123456:{}"}}',
    '{{"instanceToken": "{}"}}',
    "password={} host=db",
    "connect(password='{}', port=5432)",
    "webhook_secret = {}",
    "postgresql://hub:{}@db:5432/hub",
    "redis://:{}@valkey:6379/0",
    "rediss://default:{}@cache",
    "amqp://u:p@{}@host/",
    "https://ana:{}@example.com/x",
    "the key sk-hub-{} is unknown",
    "pk-hub-{}",
    "OpenAI says sk-proj-{} is wrong",
    "wky_{} has no session",
)


def planted(shape: str) -> tuple[str, str]:
    """A text with a secret in it, and the secret."""
    if "{}" in shape and "wky_" in shape:
        secret = ids.access_key()[4:]
    elif "Basic" in shape:
        secret = base64.b64encode(word(24).encode()).decode()
    else:
        secret = word(35) if "bot" in shape else word()
    return shape.format(secret), secret


@pytest.fixture(params=[False, True], ids=["text", "json"])
def written(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[io.StringIO]:
    """Everything that is logged during the test, set up as a process does it."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    set_up("web", "debug", request.param)
    yield out
    root.handlers = before
    root.setLevel(level)


def raise_deep(text: str) -> None:
    try:
        raise OSError(text)
    except OSError as e:
        raise RuntimeError(f"wrapped: {text}") from e


@pytest.mark.parametrize("shape", SHAPES)
def test_a_planted_secret_does_not_survive(written: io.StringIO, shape: str) -> None:
    log = logging.getLogger("hub.test")
    secrets_there = []
    for place in range(4):
        text, secret = planted(shape)
        secrets_there.append(secret)
        if place == 0:
            log.warning(text)
        elif place == 1:
            log.info("failed: %s", text)
        elif place == 2:
            log.error("failed: %s", ValueError(text))
        else:
            try:
                raise_deep(text)
            except RuntimeError:
                log.exception("a turn failed")
    lines = written.getvalue()
    assert lines.count("failed") >= 3
    assert [s for s in secrets_there if s in lines] == [], lines


def test_a_request_s_id_is_in_its_lines(written: io.StringIO) -> None:
    token = request_id.set("r-1")
    logging.getLogger("hub.test").info("hello")
    request_id.reset(token)
    assert "r-1" in written.getvalue() and "hello" in written.getvalue()


def test_each_json_line_is_one_object(written: io.StringIO) -> None:
    logging.getLogger("hub.test").warning('two\nlines, "quoted", olá')
    line = written.getvalue()
    if line.startswith("{"):
        assert (
            orjson.loads(line)["message"] == 'two\nlines, "quoted", olá' and line.count("\n") == 1
        )


def test_damaged_text_is_written_too(written: io.StringIO) -> None:
    # By our handler alone: pytest's own would carry the damaged text to other processes.
    logger = logging.Logger("hub.test")
    logger.addHandler(logging.getLogger().handlers[0])
    logger.warning("a %s /x?token=%s", "\ud800", "planted")
    assert "Logging error" not in written.getvalue() and "planted" not in written.getvalue()
    assert "\\ud800" in written.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "turn thrown away: another process has taken session 018f",
        "duplicate key value violates unique constraint",
        "KeyError: 'name'",
        "GET /api/v1/documents?page=2 200 3 ms",
        "http://127.0.0.1:8080/health",
        "the token ended",
        "DETAIL: Key (id)=(1) is there",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert scrub(text) == text


def test_long_text_is_quick() -> None:
    for text in ("a" * 300_000, "key" * 100_000, "://:" * 75_000, "bot1" * 75_000, "-" * 300_000):
        scrub(text)


# What a contact said, or a secret, goes by these names in the code.
TOLD = {
    "body",
    "text",
    "content",
    "contents",
    "said",
    "prompt",
    "raw",
    "headers",
    "payload",
    "plain",
    "secret",
    "secrets",
    "token",
    "password",
    "key",
    "quote",
    "batch",
    "history",
    "parts",
    "out",
    "item",
    "items",
    "arrived",
    "url",
}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def logged(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
        ):
            place = node.func.value
            if isinstance(place, ast.Name) and place.id in ("log", "logger", "access", "logging"):
                yield node


def names(call: ast.Call) -> Iterator[str]:
    for argument in [*call.args, *(k.value for k in call.keywords)]:
        for node in ast.walk(argument):
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                yield str(node.slice.value)


def test_no_module_logs_what_people_say() -> None:
    found, seen = [], 0
    for file in [*ROOT.glob("hub/**/*.py"), *ROOT.glob("channels/**/*.py")]:
        for call in logged(ast.parse(file.read_text(encoding="utf-8"))):
            seen += 1
            where = f"{file.relative_to(ROOT)}:{call.lineno}"
            text = (
                call.args[1]
                if isinstance(call.func, ast.Attribute) and call.func.attr == "log"
                else call.args[0]
            )
            if not isinstance(text, ast.Constant):
                found.append(f"{where}: the text must be constant, values are arguments")
            found += [f"{where}: {n}" for n in names(call) if n in TOLD]
    assert seen > 15
    assert found == []
