"""What an account spends, by key, gateway, chat client, tag and day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aiohttp import web

from hub.accounts import spend
from hub.api.aivax.keys import moment
from hub.api.aivax.schemas.accounts import SpendLine, SpendQuery
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.domain import Json
from hub.errors import Forbidden, Invalid

TAG = "API keys"
MONTH = timedelta(days=30)
EARLIEST = datetime.min.replace(tzinfo=UTC) + MONTH


@endpoint(tag=TAG, produces="text/csv", pages=True)
async def listed(request: web.Request, query: SpendQuery) -> list[SpendLine] | web.StreamResponse:
    """What was spent, by key, gateway, chat client, tag or day (UTC); `format=csv` gives a table.

    For keys of the roles owner and admin. A model behind a provider of your own costs nothing here; its tokens are
    told. What is older than the detail is kept (`HUB_USAGE_DAYS`) is told by whole days.
    """
    who = caller(request)
    if not who.trusted or who.limits is not None:
        raise Forbidden("Only an owner's or admin's key without limits sees what is spent.", code="role_too_low")
    until = moment(query.to, "to") or datetime.now(UTC)
    since = moment(query.from_, "from") or max(until, EARLIEST) - MONTH
    if since >= until:
        raise Invalid("from must be before to.", field="from")
    await request.app[HUB].meter.settled()
    found = await spend.told(
        request.app[HUB].db, who.account_id, query.by, since, until, key=query.key, tag=query.tag,
        limit=query.limit + 1, skip=query.skip,
    )

    async def count() -> int:
        return found[0]["total"] if found else query.skip

    def following(page: Sequence[Json]) -> dict[str, str]:
        # Of the same time, however long the pages are read.
        return {"skip": str(query.skip + len(page)), "from": since.isoformat(), "to": until.isoformat()}

    rows = await pagination.shown(request, found, query.limit, not query.skip, count, following)
    if query.format == "json":
        return [SpendLine(**{n: v for n, v in r.items() if n != "total"}) for r in rows]
    name = f"spend-by-{query.by}-{since:%Y-%m-%d}-{until:%Y-%m-%d}.csv"
    return web.Response(
        text=spend.table(rows, query.by), content_type="text/csv", charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


ROUTES = (Route("GET", "/api/v1/accounts/spend", listed),)
