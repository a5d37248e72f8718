"""Prove that a call comes from Kapso."""

import hmac
from collections.abc import Mapping

from channels.base import BadSignature, Hook, Link

HEADERS = ("x-webhook-signature", "x-kapso-signature")  # the second is that of older webhooks


def prove(link: Link, headers: Mapping[str, str]) -> None:
    """Whether there is a signature at all, where there must be one: it is of the body."""
    if link.settings.get("webhookSecretKey") and not any(name in headers for name in HEADERS):
        raise BadSignature("the signature header is missing")


def verify(link: Link, hook: Hook) -> None:
    """Compare the HMAC-SHA256 of the bytes as they came.

    With a key in the settings a signature is required. Without one we register our own secret; a
    call without signature then rests on the secret in the path, which the receiver checks.
    """
    configured = link.settings.get("webhookSecretKey")
    given = next((v for name in HEADERS if (v := hook.headers.get(name)) is not None), None)
    if given is None:
        if configured:
            raise BadSignature("the signature header is missing")
        return
    signature = given.strip().lower().removeprefix("sha256=")
    expected = hmac.new((configured or link.secret).encode(), hook.body, "sha256").hexdigest()
    # Other than strings, bytes may hold anything when they are compared.
    if not hmac.compare_digest(signature.encode("utf-8", "surrogateescape"), expected.encode()):
        raise BadSignature("the signature is wrong")
