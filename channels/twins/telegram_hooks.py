"""setWebhook and its relatives, and how Telegram delivers updates."""

import ipaddress
import json
import random
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from channels.twins.replies import Reply
from channels.twins.state import State
from channels.twins.telegram_args import Args, bad
from channels.twins.telegram_bot import Bot, Update
from channels.twins.webhooks import Envelope, Hooks, Outcome, Policy, Push

PORTS = (443, 80, 88, 8443)
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


def pause(attempt: int) -> float:
    """The first repetition at once, then 2, 4, 8 ... seconds, at last one to two minutes."""
    if attempt <= 2:
        return 0.0
    return min(2.0 ** (attempt - 2), random.uniform(60, 120))


POLICY = Policy(10_000, pause, timeout=60.0, order="strict", retry_after=True)


class TelegramHooks:
    """The webhook side of all bots."""

    def __init__(self, state: State, hooks: Hooks) -> None:
        self._state = state
        self._hooks = hooks

    def set(self, bot: Bot, args: Args) -> Reply:
        """setWebhook."""
        url = args.text("url")
        if not url:
            return self.delete(bot, args)
        if self._state.options.flood and time.time() - bot.registered < 1:
            raise bad("Too Many Requests: retry after 1", 429, retry_after=1)
        self._check(url)
        secret = args.text("secret_token")
        if secret and not SECRET.fullmatch(secret):
            raise bad("secret token contains unallowed characters")
        allowed = args.structure("allowed_updates")
        same = (bot.url, bot.secret) == (url, secret)
        bot.url, bot.secret, bot.registered = url, secret, time.time()
        bot.error, bot.error_at = "", 0
        bot.connections = min(max(args.number("max_connections") or 40, 1), 100)
        if isinstance(allowed, list):
            bot.allowed = [str(a) for a in allowed]
        if args.flag("drop_pending_updates"):
            bot.waiting.clear()
        self.flush(bot)
        self._state.publish("account", {"network": "telegram", "id": bot.id, "webhook": url})
        words = "Webhook is already set" if same else "Webhook was set"
        return Reply(200, {"ok": True, "result": True, "description": words})

    def delete(self, bot: Bot, args: Args) -> Reply:
        """deleteWebhook."""
        words = "Webhook was deleted" if bot.url else "Webhook is already deleted"
        bot.url = bot.secret = bot.error = ""
        if args.flag("drop_pending_updates"):
            bot.waiting.clear()
        self._state.publish("account", {"network": "telegram", "id": bot.id, "webhook": None})
        return Reply(200, {"ok": True, "result": True, "description": words})

    def updates(self, bot: Bot, args: Args) -> Reply:
        """getUpdates: only without a webhook."""
        if bot.url:
            raise bad(
                "can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
                409,
            )
        offset = args.number("offset")
        while offset > 0 and bot.waiting and bot.waiting[0].id < offset:
            bot.waiting.popleft()
        limit = min(max(args.number("limit") or 100, 1), 100)
        found = [u.body for u in list(bot.waiting)[:limit]]
        return Reply(200, {"ok": True, "result": found})

    def flush(self, bot: Bot) -> None:
        """Deliver what waited for a webhook."""
        waiting, bot.waiting = list(bot.waiting), type(bot.waiting)(maxlen=bot.waiting.maxlen)
        for update in waiting:
            self._hooks.post(self.push(bot, update))

    def push(
        self, bot: Bot, update: Update, call: Callable[[Bot, bytes], None] | None = None
    ) -> Push:
        """The delivery of an update; the webhook of that moment gets it."""
        body = json.dumps(update.body, separators=(",", ":")).encode()

        def make() -> Envelope | None:
            if not bot.url or time.time() > update.expires:
                bot.flying.discard(update.id)
                if not bot.url and time.time() <= update.expires:
                    bot.waiting.append(update)
                return None
            headers = {
                "Content-Type": "application/json",
                "Connection": "keep-alive",
                "Accept-Encoding": "gzip, deflate",
            }
            if bot.secret:
                headers["X-Telegram-Bot-Api-Secret-Token"] = bot.secret
            bot.flying.add(update.id)
            return Envelope(bot.url, headers, body)

        def attempted(outcome: Outcome) -> None:
            if outcome.ok:
                bot.flying.discard(update.id)
                if call and outcome.body:
                    call(bot, outcome.body)
                return
            bot.error_at = int(time.time())
            bot.error = (
                f"Wrong response from the webhook: {outcome.status} {_reason(outcome.status)}"
                if outcome.status
                else "Read timeout expired"
                if outcome.error == "timeout"
                else "Connection refused"
            ).strip()

        queue = update.queue
        return Push("telegram", bot.id, update.kind, update.chat, make, POLICY, queue, attempted)

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not host or parts.scheme not in ("http", "https"):
            raise bad("bad webhook: invalid webhook URL specified")
        if self._state.options.https_only or not _local(host):
            if parts.scheme != "https":
                raise bad("bad webhook: An HTTPS URL must be provided for webhook")
            if (parts.port or 443) not in PORTS:
                raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


def _local(host: str) -> bool:
    """A host that only a developer's machine can mean: there the twin takes http."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".test"))


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
