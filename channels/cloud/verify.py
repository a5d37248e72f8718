"""Prove that a call comes from Meta: its signature, and the question that it asks when a webhook is registered."""

import hmac
from collections.abc import Mapping

from channels.base import BadSignature, Hook, Link

HEADER = "x-hub-signature-256"


def prove(headers: Mapping[str, str]) -> None:
    """Whether there is a signature at all: it is of the body."""
    if HEADER not in headers:
        raise BadSignature("the signature header is missing")


def verify(link: Link, hook: Hook) -> None:
    """Compare the HMAC-SHA256 of the bytes as they came, made with the app's secret."""
    prove(hook.headers)
    key = link.settings.get("appSecret", "")
    given = hook.headers[HEADER].strip().lower().encode("utf-8", "surrogateescape")
    expected = "sha256=" + hmac.new(key.encode(), hook.body, "sha256").hexdigest()
    if not key or not hmac.compare_digest(given, expected.encode()):
        raise BadSignature("the signature is wrong")


def challenge(link: Link, query: Mapping[str, str]) -> str | None:
    """What is to be answered to Meta's question whether this address expects it; None for anybody else."""
    token = query.get("hub.verify_token", "").encode("utf-8", "surrogateescape")
    known = any(hmac.compare_digest(token, one.encode()) for one in link.proofs)
    asked = query.get("hub.challenge", "")
    fits = query.get("hub.mode") == "subscribe" and 0 < len(asked) <= 200 and asked.isascii() and asked.isprintable()
    return asked if known and fits else None
