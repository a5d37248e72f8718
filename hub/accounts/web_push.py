"""Web Push: what is told to a browser, sealed for it alone (RFC 8291) and signed by this hub (VAPID, RFC 8292).

The address is one that a browser gave: it goes through the guarded client, and its answer is only a number.
"""

import base64
import hmac
import ipaddress
import os
import time
from urllib.parse import urlsplit

import jwt
import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.domain import Json
from hub.errors import Invalid, TooMany
from hub.guarded_http import Outbound
from hub.runtime import Hub
from hub.sealing import Sealer

CURVE = ec.SECP256R1()
SECONDS, KEPT, SIGNED = 10.0, 3600, 12 * 3600
LONGEST, RECORD = 1000, 4096
# The browser is not there any more; or it knows us by a sealing key that we had before, and asks again by itself.
OVER = (401, 403, 404, 410)


def identity(sealer: Sealer) -> ec.EllipticCurvePrivateKey:
    """By which push services know this hub: worked out from the sealing key, so that no copy of the database has it."""
    secret = int.from_bytes(sealer.derived("web push") + sealer.derived("web push, more")[:8])
    return ec.derive_private_key(secret % (CURVE.group_order - 1) + 1, CURVE)


def public(key: ec.EllipticCurvePrivateKey) -> str:
    """As browsers are given it."""
    return coded(_point(key.public_key()))


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(text: str) -> bytes:
    """Raise ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def check(outbound: Outbound, endpoint: str, p256dh: str, auth: str) -> None:
    """What a browser gave is such that it can be told something. Raise Invalid."""
    if len(endpoint) > LONGEST:
        raise Invalid(f"endpoint must have at most {LONGEST} characters.", field="endpoint")
    outbound.guard.check(endpoint)
    if urlsplit(endpoint).scheme != "https" and not _allowed(outbound, endpoint):
        raise Invalid("endpoint must be an https address.", field="endpoint")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, read(p256dh))
        if len(read(auth)) != 16:
            raise ValueError
    except ValueError:
        raise Invalid("keys are not those of a push subscription.", field="keys") from None


def _allowed(outbound: Outbound, endpoint: str) -> bool:
    """Whether the operator of the hub named this host: then it may be without https."""
    parts = urlsplit(endpoint)
    host = (parts.hostname or "").lower()
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return outbound.guard.names(host, parts.port or 80)
    return any(ip in n for n in outbound.guard.networks if n.version == ip.version)


def sealed(
    text: bytes, p256dh: bytes, auth: bytes, salt: bytes | None = None, ours: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """A body that only this browser opens. salt, ours: made anew unless they are given."""
    salt, ours = salt or os.urandom(16), ours or ec.generate_private_key(CURVE)
    theirs, point = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, p256dh), _point(ours.public_key())
    shared = ours.exchange(ec.ECDH(), theirs)
    secret = HKDF(hashes.SHA256(), 32, auth, b"WebPush: info\x00" + p256dh + point).derive(shared)
    key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
    nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
    head = salt + RECORD.to_bytes(4, "big") + bytes((len(point),)) + point
    return head + AESGCM(key).encrypt(nonce, text + b"\x02", None)


def signed(key: ec.EllipticCurvePrivateKey, endpoint: str, subject: str) -> str:
    """The header by which the push service knows us."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(time.time()) + SIGNED, "sub": subject}
    return f"vapid t={jwt.encode(claims, key, algorithm='ES256')}, k={public(key)}"


def topic(hub: Hub, said: Json) -> str:
    """By which a service that could not hand a notice on yet puts the next one of the same conversation in its place:
    it tells the service nothing."""
    return coded(hmac.digest(hub.sealer.derived("push topic"), str(said["tag"]).encode(), "sha256")[:24])


async def send(hub: Hub, endpoint: str, p256dh: str, auth: str, said: Json) -> bool | None:
    """Whether it was taken; None: not now. False: the browser is gone. Raise TooMany: the service wants to be left
    alone; Upstream, Invalid."""
    key = identity(hub.sealer)
    body = sealed(orjson.dumps(said), read(p256dh), read(auth))
    headers = {
        "Authorization": signed(key, endpoint, hub.settings.address), "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream", "TTL": str(KEPT), "Urgency": "high",
        "Topic": topic(hub, said),
    }
    reply = await hub.outbound.request(
        "POST", endpoint, headers=headers, body=body, seconds=SECONDS, limit=RECORD, cut=True
    )
    if reply.status == 429:
        raise TooMany("The push service wants to be asked less often.")
    if reply.status in OVER:
        return False
    return True if 200 <= reply.status < 300 else None
