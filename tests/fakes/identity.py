"""An identity provider (OpenID Connect) that says what it is told to."""

import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, rsa

Json = dict[str, Any]
CLIENT, SECRET = "hub-client", "hub-secret"


@dataclass
class Identity:
    """claims: of the next token. spoil: changes them and the token's header before it is signed."""

    url: str = ""
    issuer: str | None = None
    claims: Json = field(default_factory=dict)
    spoil: Any = None
    calls: list[str] = field(default_factory=list)
    key: Any = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    kid: str = "one"
    asked: Json = field(default_factory=dict)
    redeemed: Json = field(default_factory=dict)
    away: bool = False

    def jwks(self) -> Json:
        curve = isinstance(self.key, ec.EllipticCurvePrivateKey)
        kind: Any = jwt.algorithms.ECAlgorithm if curve else jwt.algorithms.RSAAlgorithm
        return {"keys": [{**kind.to_jwk(self.key.public_key(), as_dict=True), "kid": self.kid, "use": "sig"}]}

    def code(self, to: str) -> str:
        """As if somebody had signed in at the page a browser was sent to: the address they are sent back to."""
        self.asked = {k: v[0] for k, v in parse_qs(urlsplit(to).query).items()}
        return f"{self.asked['redirect_uri']}?{urlencode({'code': 'c0de', 'state': self.asked['state']})}"

    def token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer or self.url, "aud": CLIENT, "sub": "subject-1", "iat": now, "exp": now + 300,
            "nonce": self.asked["nonce"], "email": "ann@example.com", "email_verified": True, **self.claims,
        }
        header, key, how = {"kid": self.kid}, self.key, "ES256" if hasattr(self.key, "curve") else "RS256"
        if self.spoil:
            claims, header, key, how = self.spoil(claims, header, key, how)
        return str(jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm=how, headers=header))

    async def handle(self, request: web.Request) -> web.Response:
        self.calls.append(request.path)
        if self.away:
            raise web.HTTPServiceUnavailable
        if request.path.endswith("openid-configuration"):
            return web.json_response({
                "issuer": self.issuer or self.url, "authorization_endpoint": self.url + "/authorize",
                "token_endpoint": self.url + "/token", "jwks_uri": self.url + "/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            })
        if request.path == "/jwks":
            return web.json_response(self.jwks())
        form = dict(await request.post())
        self.redeemed = {**form, "auth": request.headers.get("Authorization")}
        hashed = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest()).rstrip(b"=")
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        right = (form["code"], hashed.decode(), self.redeemed["auth"]) == (
            "c0de", self.asked["code_challenge"], f"Basic {pair}"
        )
        if not right:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": self.token()})


@asynccontextmanager
async def identity() -> AsyncIterator[Identity]:
    found = Identity()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found
