"""The inbox: conversations of all networks, one open at a time, worked in by people and bots."""

from uuid import UUID

from aiohttp import web

from hub.accounts import contacts
from hub.accounts.desk import HERE
from hub.accounts.operators import Deed, allow
from hub.chat.news import of_session, tell
from hub.chat.operators import crowd, handoff, planned, reactions, suggestion
from hub.chat.operators import inbox as operator_inbox
from hub.chat.operators.inbox import Thread
from hub.console.guard import act, look, mark
from hub.console.inbox_list import BESIDE, Shown, beside, listed
from hub.console.page_request import Visit
from hub.console.person import about
from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.store import contacts as contact_rows
from hub.store import human_requests as presence
from hub.store import operator_inbox as rows
from hub.store import triage
from hub.translations import told

OTHERS = 30


async def opened(v: Visit, session: UUID, since: str = "") -> Json:
    """What the templates of one conversation need. since: where the page that is open begins, if one is. cut: it
    has become too long, and what was before it must be asked for anew."""
    begins = int(since) if since.isascii() and since.isdigit() and len(since) < 19 else None
    one = await operator_inbox.view(v.db, v.account, session)
    thread = await operator_inbox.thread(v.db, v.account, session, since=begins)
    cut = begins is not None and (thread.older or 0) > begins
    plans = await planned.listed(v.db, v.account, session, one)
    return _shown(v, one, thread) | {"cut": cut, "plans": plans}


def _shown(v: Visit, one: Json, thread: Thread) -> Json:
    reacts = reactions.reacts(v.hub, one["channel"])
    return {"one": one, "items": thread.items, "older": thread.older, "open": one["id"], "reacts": reacts}


async def inbox(v: Visit) -> web.StreamResponse:
    """GET /console/inbox"""
    shown = Shown.of(v.asked)
    away = await presence.is_away(v.db, v.who.id)
    return await v.page("inbox.html", **await listed(v, shown), **await beside(v), away=away, open=None)


async def conversation(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}"""
    shown, id = Shown.of(v.asked), v.id()
    values = await opened(v, id)
    card, talks = await _card(v, values["one"], id), await listed(v, shown, BESIDE)
    return await v.page("inbox.html", **talks, **await beside(v), **values, **card, text="")


async def away(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/away: nobody is called to whoever says that they are not there."""
    gone = v.form.get("away") == "yes"
    deed.object, deed.change = str(v.who.id), {"away": gone}
    await presence.set_away(v.db, v.who.id, gone)
    return v.to("/console/inbox", "You are away." if gone else "You are here again.")


async def seen(v: Visit) -> web.StreamResponse:
    """POST .../read: the page that is open says up to where its reader has seen it."""
    if await rows.held(v.db, v.account, v.id()) is None:
        raise NotFound
    await rows.read(v.db, v.account, v.who.id, v.id())
    await triage.seen(v.db, v.account, v.who.id, v.id())
    return web.Response(status=204)


async def typing(v: Visit) -> web.StreamResponse:
    """POST .../typing: somebody is writing here, or has stopped; colleagues see it, and the visitor."""
    allow(v.who, "inbox")
    held = await rows.held(v.db, v.account, v.id())
    if held is None:
        raise NotFound
    what = v.form.get("what")
    if what not in (crowd.TYPES, crowd.STOPS):
        raise Invalid(f"what must be {crowd.TYPES} or {crowd.STOPS}.", field="what")
    await crowd.tell(v.hub.events, v.account, v.id(), v.who, what)
    if held:
        await v.hub.events.publish(of_session(v.id()), {"type": "typing", "active": what == crowd.TYPES})
    return web.Response(status=204)


async def _card(v: Visit, one: Json, session: UUID) -> Json:
    """Who it is: all names and all other conversations, on whatever network, and why they are held for one."""
    person: UUID | None = one["known_id"]
    if person is None:
        return {"whole": None, "others": [], "joins": [], **await about(v, None, card=one["has_card"])}
    joins = [j for j in await contact_rows.joins(v.db, v.account, person) if j["split_at"] is None]
    return {
        "whole": await contact_rows.one(v.db, v.account, person), "joins": joins,
        "others": await contact_rows.talks(v.db, v.account, person, OTHERS, session),
        **await about(v, person, card=one["has_card"]),
    }


async def split(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../split: they are two people after all."""
    one = await operator_inbox.view(v.db, v.account, v.id())
    deed.object = str(v.id())
    try:
        joined = UUID(v.form.get("join"))
    except ValueError:
        raise Invalid("join is no id.", field="join") from None
    if one["person_id"] is None:
        raise NotFound("Nobody is named in this conversation.")
    deed.change |= {"join": str(joined)}
    await contacts.split(v.db, v.account, v.who.actor, one["person_id"], joined, None)
    return v.to(f"/console/inbox/{v.id()}", "They are two people again.")


async def older(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}/older?before=: what was said before, for the top of the thread."""
    before, id = v.asked("before"), v.id()
    if not before.isdigit() or len(before) > 18:
        raise Invalid("before is none that a page gave.", field="before")
    one = await operator_inbox.view(v.db, v.account, id)
    thread = await operator_inbox.thread(v.db, v.account, id, int(before))
    values = _shown(v, one, thread)
    return v.part("older.html", **values) if v.partial else await v.page("history.html", **values)


async def take(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../take: the bot is silent from now on."""
    deed.object = str(v.id())
    await handoff.switch(v.hub, v.account, None, v.id(), True, v.who.id, v.who.name, ends=True)
    deed.begun = True
    return await again(v)


async def give(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../give: to a colleague, who has it from now on."""
    deed.object = str(v.id())
    await operator_inbox.view(v.db, v.account, v.id())
    to = v.form.id("operator")
    found = next((c for c in await presence.colleagues(v.db, v.account, HERE) if c["id"] == to), None)
    if found is None:
        raise Invalid("operator is nobody who works here.", field="operator")
    deed.change = {"to": found["name"]}
    await handoff.switch(
        v.hub, v.account, None, v.id(), True, found["id"], found["name"], ends=True, given_by=v.who.name
    )
    deed.begun = True
    return v.to(f"/console/inbox/{v.id()}", told("%(name)s has it now.", name=found["name"]))


async def back(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../back: the bot answers again."""
    deed.object = str(v.id())
    await handoff.switch(v.hub, v.account, None, v.id(), False, v.who.id, v.who.name)
    deed.begun = True
    return await again(v)


async def say(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../say: to the contact. Who writes into a conversation of the bot's has taken it over."""
    id, text = v.id(), v.form.get("text")
    deed.object = str(id)
    one = await operator_inbox.view(v.db, v.account, id)
    await handoff.sayable(v.hub, v.account, None, id, text, len(v.form.files))
    deed.change = {"taken": one["handoff_at"] is None, "files": len(v.form.files)}
    files = await operator_inbox.attach(v.hub, v.account, id, [(f.name, f.mime, f.content) for f in v.form.files])
    if one["handoff_at"] is None:
        await handoff.switch(v.hub, v.account, None, id, True, v.who.id, v.who.name, ends=True)
        deed.begun = True
    await handoff.say(v.hub, v.account, None, id, text, files, v.once, by=v.who.name)
    return await again(v)


async def signs(v: Visit) -> web.StreamResponse:
    """GET .../react/{message}: what may be put on a contact's message."""
    one = await operator_inbox.view(v.db, v.account, v.id())
    if not reactions.reacts(v.hub, one["channel"]):
        raise NotFound
    return await v.page("react.html", one=one, message=v.id("message"), signs=reactions.SIGNS)


async def react(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../react/{message}: seen by the contact at once; nothing takes it away again."""
    emoji = v.form.get("emoji")
    deed.object, deed.change = str(v.id()), {"message": str(v.id("message"))}
    await reactions.react(v.hub, v.account, v.id(), v.id("message"), emoji)
    return v.to(f"/console/inbox/{v.id()}", "The contact sees it." if emoji else "It is taken away.")


async def note(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../note: to colleagues."""
    deed.object = str(v.id())
    await operator_inbox.note(v.db, v.account, v.who.id, v.who.name, v.id(), v.form.get("text"))
    await tell(v.hub.events, v.account, v.id(), {"type": "note"})
    return await again(v)


async def draft(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../draft: what the bot would say, for the person to change and send."""
    deed.object = str(v.id())
    text = await suggestion.draft(v.hub, v.account, v.id())
    if v.partial:
        return v.part("drafted.html", text=text)
    values = await opened(v, v.id())
    card = await _card(v, values["one"], v.id())
    talks = await listed(v, Shown(), BESIDE)
    return await v.page("inbox.html", **talks, **await beside(v), **values, **card, text=text)


async def again(v: Visit, **more: object) -> web.StreamResponse:
    """The thread as it is now. more: what else of the page is shown anew."""
    if not v.partial:
        return v.to(f"/console/inbox/{v.id()}")
    values = await opened(v, v.id(), v.form.get("since"))
    await rows.read(v.db, v.account, v.who.id, v.id())
    return v.part("news.html", **values, **more, talks=None, waiting=await rows.waiting_count(v.db, v.account))


def routes() -> list[web.RouteDef]:
    one = "/console/inbox/{id}"
    return [
        look("/console/inbox", inbox), look(one, conversation), look(one + "/older", older),
        act("/console/inbox/away", "inbox.presence_set", away),
        mark(one + "/read", seen), mark(one + "/typing", typing),
        look(one + "/react/{message}", signs, "inbox"), act(one + "/react/{message}", "inbox.reacted", react),
        act(one + "/take", "inbox.taken", take), act(one + "/give", "inbox.given", give),
        act(one + "/back", "inbox.given_back", back),
        act(one + "/say", "inbox.answered", say, repeats=True), act(one + "/note", "inbox.noted", note),
        act(one + "/draft", "inbox.drafted", draft), act(one + "/split", "inbox.split", split),
    ]

