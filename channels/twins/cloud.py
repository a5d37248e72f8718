"""The twin of Meta's Graph API for WhatsApp: Meta's own calls and bodies, without anybody in between."""

import asyncio
import re
import secrets
import time
from typing import Any

import aiohttp
from aiohttp import web

from channels.twins.kapso import KapsoTwin
from channels.twins.kapso_errors import meta_error
from channels.twins.kapso_number import Number, Webhook
from channels.twins.replies import Body, Refused, Reply
from channels.twins.templates import WABA
from channels.twins.whatsapp import BUSINESS, BUSINESS_NAME

Json = dict[str, Any]
# The secret of the app that all numbers of the twin belong to.
APP_SECRET = "app-secret"
ACCOUNT = WABA
PLACES = "messages|media|subscribed_apps|message_templates|conversational_automation"
GRAPH = re.compile(rf"v\d{{1,3}}\.\d/(\d{{1,30}})(?:/({PLACES}))?")
ASKING = 5.0


class CloudTwin(KapsoTwin):
    """All numbers of one app."""

    name = "cloud"

    async def handle(self, request: web.Request, path: str, body: Body) -> Reply:
        """v24.0/..., and where files are fetched."""
        try:
            key = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if path.startswith("media/"):
                return self._file(path.split("/")[1])
            options = self._state.options
            if not options.secret_ok(self.name, "", key) and not options.accounts.get(self.name):
                return Reply(401, _error(190, "Invalid OAuth access token"))
            if found := GRAPH.fullmatch(path):
                return await self._graph(request, key, found[1], found[2] or "", body)
        except Refused as e:
            return e.reply if e.reply.status != 404 else Reply(400, _error(100, "Unsupported get request"))
        except (TypeError, AttributeError, KeyError, IndexError, ValueError) as e:
            return meta_error("100", str(e))
        return Reply(404, _error(2500, "Unknown path components"))

    async def _graph(self, request: web.Request, key: str, id: str, what: str, body: Body) -> Reply:
        given = body.data if isinstance(body.data, dict) else {}
        if what == "message_templates" and request.method == "GET":
            if id != ACCOUNT:
                return Reply(400, _error(100, "Unsupported get request"))
            return self.sends.templates.listed(request.query)
        if what == "conversational_automation" and request.method == "POST":
            return self._greets(self._number(id, key), given)
        if what == "subscribed_apps":
            return Reply(200, {"success": True})
        if what in ("messages", "media") and request.method == "POST":
            number = self._number(id, key)
            return self.sends.upload(body) if what == "media" else self.sends.post(number, given)
        if what or request.method not in ("GET", "POST"):
            return Reply(400, _error(100, "Unsupported request"))
        if request.method == "POST":
            return await self._configured(self._number(id, key), given.get("webhook_configuration") or {})
        if self.sends.file(id) is not None:
            return self._media(id)
        return self._shown(self._number(id, key))

    def _media(self, id: str) -> Reply:
        file = self.sends.file(id)
        assert file is not None
        url = f"{self._state.origin}/{self.name}/media/{file.id}/{file.name}"
        mime = file.mime.partition(";")[0]
        known = {"url": url, "mime_type": mime, "sha256": "5457494e", "file_size": file.size, "id": id}
        return Reply(200, known | {"messaging_product": "whatsapp"})

    def _shown(self, number: Number) -> Reply:
        hooks = {"phone_number": self._url(number)} if self._url(number) else {}
        known = {"id": number.id, "display_phone_number": f"+{BUSINESS}", "verified_name": BUSINESS_NAME}
        more = {"quality_rating": "GREEN", "webhook_configuration": hooks, "conversational_automation": number.greeting}
        return Reply(200, known | more)

    def _greets(self, number: Number, given: Json) -> Reply:
        """Ice breakers and commands, within Meta's limits."""
        prompts, commands = given.get("prompts") or [], given.get("commands") or []
        if len(prompts) > 4 or any(not 0 < len(p) <= 80 or any(ord(c) > 0xFFFF for c in p) for p in prompts):
            return Reply(400, _error(100, "Invalid parameter: prompts"))
        if len(commands) > 30 or any(not c.get("command_name") or not c.get("command_description") for c in commands):
            return Reply(400, _error(100, "Invalid parameter: commands"))
        number.greeting = {"prompts": prompts, "commands": commands}
        self._changed(number)
        return Reply(200, {"success": True})

    async def _configured(self, number: Number, given: Json) -> Reply:
        """The address is asked before it counts."""
        url = str(given.get("override_callback_uri") or "")
        number.hooks.clear()
        if url:
            if len(url) > 200 or not await _expects(url, str(given.get("verify_token") or "")):
                return Reply(400, _error(2200, "Callback verification failed"))
            row = {
                "id": "own", "url": url, "kind": "meta", "active": True, "events": [], "headers": {},
                "secret_key": APP_SECRET,
            }
            number.hooks["own"] = Webhook(row)
        number.registered = time.time()
        self._changed(number)
        return Reply(200, {"success": True})


async def _expects(url: str, token: str) -> bool:
    asked = secrets.token_hex(8)
    query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": asked}
    try:
        async with asyncio.timeout(ASKING), aiohttp.ClientSession() as http, http.get(url, params=query) as answer:
            return answer.status == 200 and await answer.text() == asked
    except (TimeoutError, aiohttp.ClientError, ValueError):
        return False


def _error(code: int, words: str) -> Json:
    return {"error": {"message": f"(#{code}) {words}", "type": "OAuthException", "code": code, "fbtrace_id": "A"}}
