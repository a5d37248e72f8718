"""Settings: of the account, and of whoever is signed in."""

from dataclasses import replace
from typing import Any

from aiohttp import web

from hub.accounts import accounts, operators, salts, sign_in
from hub.accounts.emails import email_address
from hub.accounts.operators import Deed
from hub.api.http.app_keys import PASSWORDS
from hub.console.guard import act, look
from hub.console.page_request import Visit, mark
from hub.console.sign_in import DEVICE
from hub.domain import Caller, Json
from hub.errors import Forbidden, Invalid
from hub.outreach import policy
from hub.store import accounts as rows
from hub.tools.schedule.book import zone_of as checked
from hub.translations import LANGUAGES

FLAGS = ("allowConversationsLogging", "automaticJsonHealing", "approveToolChanges")


async def zone_of(v: Visit) -> str:
    """The zone in which the account's people read calendars and figures."""
    found = await rows.get(v.db, v.account)
    return str(found.parameters.get("timeZone") or "UTC") if found else "UTC"


def _caller(v: Visit) -> Caller:
    return Caller(v.account, v.who.id, "private")


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/settings"""
    account = await accounts.view(v.db, _caller(v))
    p = dict.fromkeys((*FLAGS, "requireSecondFactor"), False) | {"handoffMinutes": 30, "timeZone": "UTC"}
    p |= account.parameters
    salt = salts.opened(v.hub.sealer, account.id, account.salt) if v.who.may("secrets") else ""
    outgoing = await policy.load(v.db, v.account)
    versions = {"account": mark(account.name, account.parameters), "outreach": mark(outgoing.stored())}
    versions["me"] = mark(v.who.email, v.who.name, v.who.language)
    return await v.page(
        "settings.html", account=account, salt=salt, p=p, policy=outgoing, versions=versions, languages=LANGUAGES
    )


async def save(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/settings"""
    f, before = v.form, await accounts.view(v.db, _caller(v))
    if not 0 < len(f.get("name")) <= 200:
        raise Invalid("name must have 1 to 200 characters.", field="name")
    given: Json = {flag: flag in f.all("flag") for flag in FLAGS}
    given["handoffMinutes"] = int(f.number("handoffMinutes", 0, 10_080) or 0)
    if ("requireSecondFactor" in f.all("flag")) != bool(before.parameters.get("requireSecondFactor")):
        if v.who.role != "owner":
            raise Forbidden("Only an owner decides whether a second factor is asked for.", code="role")
        given["requireSecondFactor"] = "requireSecondFactor" in f.all("flag")
    given["timeZone"] = checked(f.get("timeZone") or "UTC")
    deed.changed({"name": before.name, **before.parameters}, {"name": f.get("name"), **given})
    await accounts.edit(
        v.db, _caller(v), f.get("name"), given, lambda now: v.unchanged(now.name, now.parameters)
    )
    return v.to("/console/settings", "Saved.")


async def outreach(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/settings/outreach: what nobody just asked for."""
    f, before = v.form, (await policy.load(v.db, v.account)).stored()
    quiet = {
        "enabled": "yes" in f.all("quiet"), "start": f.get("start") or "21:00", "end": f.get("end") or "08:00",
        "action": "refuse" if f.get("action") == "refuse" else "postpone",
    }
    given: dict[str, Any] = {
        "quietHours": quiet, "perDay": int(f.number("perDay", 0, 1_000_000) or 0),
        "perWeek": int(f.number("perWeek", 0, 1_000_000) or 0),
    }
    deed.changed(before, given)
    await policy.edit(v.db, v.account, given, lambda now: v.unchanged(now.stored()))
    return v.to("/console/settings", "Saved.")


async def salt(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/settings/salt"""
    await accounts.roll_salt(v.db, _caller(v))
    return v.to("/console/settings", "Calls to your workers and functions are signed with a new salt.")


async def profile(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/settings/me: one's own name, address, language and password."""
    f, passwords = v.form, v.request.app[PASSWORDS]
    language = (f.get("language") or None) if "language" in f.fields else v.who.language
    new, device = (f.fields.get("new") or [""])[-1], v.request.cookies.get(DEVICE, "")
    if new or email_address(f.get("email")).lower() != v.who.email.lower():
        await asked(v)
    deed.object = str(v.who.id)
    deed.changed(
        {"email": v.who.email, "name": v.who.name, "language": v.who.language},
        {"email": f.get("email"), "name": f.get("name"), "language": language},
    )
    if new:
        deed.change["password"] = "changed"
    await operators.set_profile(
        v.db, passwords, v.who, v.token, device, email=f.get("email"), name=f.get("name"), password=new,
        language=language, seen=lambda now: v.unchanged(now["email"], now["name"], now["language"]),
    )
    v.who = replace(v.who, language=language)
    return v.to("/console/settings", "Saved.")


async def asked(v: Visit) -> None:
    """Raise Unauthorized unless the form brings the password of whoever is signed in."""
    old = (v.form.fields.get("old") or [""])[-1]
    await sign_in.confirmed(v.db, v.hub.limits, v.request.app[PASSWORDS], v.who, v.token, old)


def routes() -> list[web.RouteDef]:
    return [
        look("/console/settings", show), act("/console/settings", "settings.changed", save),
        act("/console/settings/outreach", "settings.outreach_changed", outreach),
        act("/console/settings/salt", "settings.salt_rolled", salt),
        act("/console/settings/me", "self.changed", profile),
    ]
