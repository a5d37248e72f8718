"""What is asked for beside the password: codes of an app, passkeys, recovery codes."""

from typing import Any

import segno
from aiohttp import web

from hub.accounts import passkeys, second_factor, sign_in
from hub.accounts.operators import Deed
from hub.console.guard import FACTORS, act, look
from hub.console.page_request import Visit
from hub.console.settings import asked
from hub.console.sign_in import site
from hub.errors import NotFound
from hub.sealing import digest
from hub.store import second_factors


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/settings/sign-in"""
    return await _page(v)


async def _page(v: Visit, codes: list[str] | None = None) -> web.StreamResponse:
    """codes: recovery codes, shown this once."""
    hub, here = v.hub, site(v.request)
    values: dict[str, Any] = {"has": await second_factors.enrolled(v.db, v.who.id), "codes": codes, "secret": ""}
    secret = await second_factor.waiting_totp(v.db, hub.sealer, v.who.id)
    if secret is not None:
        image = segno.make(second_factor.address(secret, v.who.email), error="m")
        values |= {"secret": secret, "qr": image.svg_data_uri(scale=4, border=2)}
    if here.able:
        values["options"] = await passkeys.to_register(
            v.db, hub.sealer, here, v.who.id, v.who.email, v.who.name, _bound(v)
        )
    return await v.page(
        "factors.html", keys=await second_factors.passkeys(v.db, v.who.id), host=here.host, able=here.able, **values
    )


def _bound(v: Visit) -> str:
    """What a new passkey's challenge belongs to: this browser's session."""
    return digest(v.token).hex()


async def begin(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../app: a secret to scan; nothing is asked for until its first code was right."""
    await asked(v)
    deed.object = str(v.who.id)
    await second_factor.begin_totp(v.db, v.hub.sealer, v.who.id)
    return v.to(FACTORS)


async def confirm(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../code: the answer alone shows the recovery codes."""
    await sign_in.slowed(v.hub.limits, "totp", str(v.who.id), 10)
    deed.object = str(v.who.id)
    codes = await second_factor.confirm_totp(v.db, v.hub.sealer, v.who.id, v.form.get("code"))
    return await _page(v, codes)


async def renew(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../codes: new recovery codes in place of the old ones."""
    await asked(v)
    codes, deed.object = second_factor.new_codes(), str(v.who.id)
    async with v.db.transaction() as tx:
        await second_factors.set_codes(tx, v.who.id, [digest(c) for c in codes])
    return await _page(v, codes)


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../app/delete: codes of the app are not asked for any more."""
    await asked(v)
    deed.object = str(v.who.id)
    if not await second_factors.drop_totp(v.db, v.who.id):
        raise NotFound
    return v.to(FACTORS, "No app is asked for a code any more.")


async def add_passkey(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../passkeys"""
    await asked(v)
    deed.object, deed.change = str(v.who.id), {"name": v.form.get("name")[:60]}
    await passkeys.register(
        v.db, v.hub.sealer, site(v.request), v.who.id, v.form.get("name"), v.form.get("credential"), _bound(v)
    )
    return v.to(FACTORS, "The passkey signs you in from now on.")


async def remove_passkey(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../passkeys/{key}/delete"""
    await asked(v)
    try:
        id = bytes.fromhex(v.request.match_info["key"])
    except ValueError:
        raise NotFound from None
    deed.object = str(v.who.id)
    if not await second_factors.drop_passkey(v.db, v.who.id, id):
        raise NotFound
    return v.to(FACTORS, "The passkey is removed.")


def routes() -> list[web.RouteDef]:
    return [
        look(FACTORS, show), act(FACTORS + "/app", "self.app_begun", begin),
        act(FACTORS + "/code", "self.app_added", confirm), act(FACTORS + "/codes", "self.codes_renewed", renew),
        act(FACTORS + "/app/delete", "self.app_removed", remove),
        act(FACTORS + "/passkeys", "self.passkey_added", add_passkey),
        act(FACTORS + "/passkeys/{key}/delete", "self.passkey_removed", remove_passkey),
    ]
