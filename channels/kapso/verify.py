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

    A signature is required: where the settings have no key, a secret of ours was registered.
    """
    configured = link.settings.get("webhookSecretKey")
    given = next((v for name in HEADERS if (v := hook.headers.get(name)) is not None), None)
    if given is None:
        raise BadSignature("the signature header is missing")
    # Other than strings, bytes may hold anything when they are compared.
    signature = given.strip().lower().removeprefix("sha256=").encode("utf-8", "surrogateescape")
    keys = [configured] if configured else link.proofs
    expected = [hmac.new(key.encode(), hook.body, "sha256").hexdigest().encode() for key in keys]
    if not any(hmac.compare_digest(signature, one) for one in expected):
        raise BadSignature("the signature is wrong")
