"""Signing in at an identity provider: OpenID Connect, code flow with PKCE; tokens are checked by PyJWT.

Sources: OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (issuer in the answer).
"""

import base64
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt
import orjson

from hub.config import Settings
from hub.domain import Json
from hub.errors import HubError, NotFound, Unauthorized, Upstream
from hub.guarded_http import Outbound
from hub.sealing import digest

NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
# Microsoft's common issuer stands for that of every tenant.
COMMON = "{tenantid}"
# No algorithm whose key the provider shares with us, and not "none".
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
FRESH, AGAIN, PAUSE, LASTS, LIMIT, LEEWAY = 3600.0, 60.0, 10.0, 600.0, 1_000_000, 60


@dataclass(frozen=True, slots=True)
class Provider:
    """name: as the button shows it. trusts: its e-mail addresses are proved, even where it does not say so."""

    name: str
    issuer: str
    client: str
    secret: str
    trusts: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What a provider told of itself. at: when, by the monotonic clock."""

    facts: Json
    keys: jwt.PyJWKSet
    at: float


@dataclass(frozen=True, slots=True)
class Claims:
    """Who signed in. email: None unless the provider has proved it."""

    issuer: str
    subject: str
    email: str | None


def providers(settings: Settings) -> dict[str, Provider]:
    """By the name in the settings, in their order."""
    clients, kept = _map(settings.oidc_clients), _map(settings.oidc_secrets.get_secret_value())
    trusted = {n.strip() for n in settings.oidc_trust_email.split(",")}
    return {
        name: Provider(name, issuer.rstrip("/"), clients.get(name, ""), kept.get(name, ""), name in trusted)
        for name, issuer in _map(settings.oidc_providers).items()
    }


def _map(text: str) -> dict[str, str]:
    pairs = (item.partition("=") for item in text.split(",") if item.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


class Oidc:
    """One of a process: what providers tell of themselves is asked for once an hour."""

    def __init__(self, settings: Settings, http: Outbound) -> None:
        self._providers = providers(settings)
        self._http = http
        self._known: dict[str, Known] = {}
        # Until when a provider that did not answer is left alone: whoever asks again costs nothing.
        self._away: dict[str, float] = {}

    @property
    def names(self) -> list[str]:
        return list(self._providers)

    async def begin(self, name: str, back: str) -> tuple[str, dict[str, str]]:
        """(where the browser goes, what it must bring back). back: our own address. Raise NotFound, Upstream."""
        provider = self._providers.get(name)
        if provider is None:
            raise NotFound("No such identity provider.")
        known = await self._ask(provider)
        kept = {
            "name": name, "state": secrets.token_urlsafe(24), "nonce": secrets.token_urlsafe(24),
            "verifier": secrets.token_urlsafe(48), "at": str(int(time.time())),
        }
        hashed = base64.urlsafe_b64encode(digest(kept["verifier"])).rstrip(b"=").decode()
        query = urlencode({
            "response_type": "code", "client_id": provider.client, "redirect_uri": back,
            "scope": "openid email profile", "state": kept["state"], "nonce": kept["nonce"],
            "code_challenge": hashed, "code_challenge_method": "S256",
        })
        at = str(known.facts["authorization_endpoint"])
        return f"{at}{'&' if '?' in at else '?'}{query}", kept

    async def finish(self, kept: Mapping[str, str], sent: Mapping[str, str], back: str) -> Claims:
        """Who came back. sent: the query of our address. Raise Unauthorized, Upstream."""
        provider = self._providers.get(kept.get("name", ""))
        fits = secrets.compare_digest(kept.get("state", "").encode(), sent.get("state", "").encode())
        if provider is None or not kept.get("state") or not fits or time.time() - int(kept.get("at", "0")) > LASTS:
            raise Unauthorized("This sign-in was not begun in this browser, or took too long; try again.")
        if "error" in sent or not sent.get("code"):
            raise Unauthorized(f"{provider.name} did not sign you in ({sent.get('error', 'no code')[:60]}).")
        known = await self._ask(provider)
        issuer = str(known.facts["issuer"])
        if sent.get("iss", issuer) != issuer and COMMON not in issuer:
            raise Unauthorized("The answer is of another identity provider.")
        token = await self._redeem(provider, known, sent["code"], kept["verifier"], back)
        claims = await self._read(provider, known, token, kept["nonce"])
        proved = claims.get("email_verified") in (True, "true") or claims.get("xms_edov") in (True, "1", 1)
        email = claims.get("email")
        return Claims(
            str(claims["iss"]), str(claims["sub"]),
            email if isinstance(email, str) and (proved or provider.trusts) else None,
        )

    async def _redeem(self, provider: Provider, known: Known, code: str, verifier: str, back: str) -> str:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": back, "client_id": provider.client,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        ways = known.facts.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if provider.secret and "client_secret_post" in ways:
            form["client_secret"] = provider.secret
        elif provider.secret:
            pair = f"{_quoted(provider.client)}:{_quoted(provider.secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        answer = await self._call(
            provider, "POST", str(known.facts["token_endpoint"]), headers=headers, body=urlencode(form).encode()
        )
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > 65_536:
            raise Unauthorized(f"{provider.name} did not sign you in; try again.")
        return token

    async def _read(self, provider: Provider, known: Known, token: str, nonce: str) -> Json:
        """The claims of a token. A key that is not known is asked for once more: providers change theirs."""
        try:
            id = jwt.get_unverified_header(token).get("kid")
            found = _key(known.keys, id)
            if found is None:
                known = await self._ask(provider, AGAIN)
                found = _key(known.keys, id)
            if found is None:
                raise jwt.InvalidTokenError
            claims: Json = jwt.decode(
                token, found.key, algorithms=ALGORITHMS, audience=provider.client, leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
            wanted = str(known.facts["issuer"]).replace(COMMON, str(claims.get("tid", "")))
            several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
            if claims["iss"] != wanted or not secrets.compare_digest(str(claims.get("nonce", "")), nonce):
                raise jwt.InvalidTokenError
            if (several or "azp" in claims) and claims.get("azp") != provider.client:
                raise jwt.InvalidTokenError
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Unauthorized(f"What {provider.name} says about you does not hold; try again.") from None
        return claims

    async def _ask(self, provider: Provider, fresh: float = FRESH) -> Known:
        known = self._known.get(provider.name)
        if known and time.monotonic() - known.at < fresh:
            return known
        if self._away.get(provider.name, 0.0) > time.monotonic():
            raise Upstream(f"{provider.name} cannot be reached; try again, or sign in another way.")
        try:
            return await self._learn(provider)
        except Upstream:
            self._away[provider.name] = time.monotonic() + PAUSE
            raise

    async def _learn(self, provider: Provider) -> Known:
        facts = await self._call(provider, "GET", f"{provider.issuer}/.well-known/openid-configuration")
        issuer = str(facts.get("issuer", ""))
        if issuer.rstrip("/") != provider.issuer and COMMON not in issuer:
            raise Upstream(f"{provider.name} says that it is another issuer; see HUB_OIDC_PROVIDERS.")
        missing = [k for k in NEEDED if not isinstance(facts.get(k), str)]
        if missing:
            raise Upstream(f"{provider.name} does not say its {missing[0]}; see HUB_OIDC_PROVIDERS.")
        try:
            keys = jwt.PyJWKSet.from_dict(await self._call(provider, "GET", facts["jwks_uri"]))
        except jwt.PyJWTError:
            raise Upstream(f"{provider.name} has no key that its tokens could be checked with.") from None
        self._known[provider.name] = found = Known(facts, keys, time.monotonic())
        return found

    async def _call(self, provider: Provider, method: str, url: str, **more: Any) -> Json:
        try:
            reply = await self._http.request(method, url, limit=LIMIT, **more)
            found = orjson.loads(reply.body)
        except (HubError, orjson.JSONDecodeError):
            raise Upstream(f"{provider.name} cannot be reached; try again, or sign in another way.") from None
        if not isinstance(found, dict):
            raise Upstream(f"{provider.name} does not answer as an identity provider does.")
        return found


def _key(keys: jwt.PyJWKSet, id: object) -> jwt.PyJWK | None:
    """The key of this id; a token without one was signed with the only key there is."""
    usable = [k for k in keys.keys if k.public_key_use in (None, "sig") and k.key_type != "oct"]
    if id is None:
        return usable[0] if len(usable) == 1 else None
    return next((k for k in usable if k.key_id == id), None)


def _quoted(text: str) -> str:
    return urlencode({"": text})[1:]
