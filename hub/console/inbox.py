"""The inbox: conversations of all networks, one open at a time, worked in by people and bots."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web

from hub.accounts import contacts
from hub.accounts.desk import HERE
from hub.accounts.operators import Deed
from hub.chat.news import tell
from hub.chat.operators import handoff, reactions, suggestion
from hub.chat.operators import inbox as operator_inbox
from hub.console.guard import act, look, mark
from hub.console.page_request import Visit
from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.store import contacts as contact_rows
from hub.store import human_requests as presence
from hub.store import operator_inbox as rows
from hub.store import people, said

PAGE, OTHERS = 30, 30


@dataclass(frozen=True, slots=True)
class Shown:
    """Which conversations are listed: what the address of the page says."""

    show: str
    words: str
    after: tuple[datetime, UUID] | None

    @classmethod
    def of(cls, v: Visit) -> "Shown":
        show = v.asked("show", "all")
        if show not in operator_inbox.SHOWS:
            raise Invalid(f"show must be one of {', '.join(operator_inbox.SHOWS)}.", field="show")
        return cls(show, v.asked("q")[:100], _place(v.asked("after")))

    @property
    def query(self) -> str:
        kept = {"show": self.show if self.show != "all" else "", "q": self.words}
        return urlencode({k: v for k, v in kept.items() if v})


def _place(text: str) -> tuple[datetime, UUID] | None:
    """A place in the list: time and id. Raise Invalid."""
    if not text:
        return None
    at, _, id = text.partition("~")
    try:
        return datetime.fromisoformat(at), UUID(id)
    except ValueError:
        raise Invalid("after is none that a page gave; leave it out to start again.", field="after") from None


async def listed(v: Visit, shown: Shown) -> Json:
    """What the list's template needs."""
    named = contacts.looked(shown.words)[1]
    person = await people.find(v.db, v.account, named) if named else None
    found = await rows.page(
        v.db, v.account, v.who.id, shown.show, after=shown.after, words=shown.words or None, limit=PAGE + 1,
        person=person,
    )
    last = found[PAGE - 1] if len(found) > PAGE else None
    after = f"{last['last_message_at'].isoformat()}~{last['id']}" if last else ""
    spoken = await said.find(v.db, v.account, shown.words) if shown.words and not shown.after else []
    sealed = v.db.keys is not None
    return {"talks": found[:PAGE], "after": after, "shown": shown, "spoken": spoken, "sealed": sealed}


async def opened(v: Visit, session: UUID, since: str = "") -> Json:
    """What the templates of one conversation need. since: where the page that is open begins, if one is. cut: it
    has become too long, and what was before it must be asked for anew."""
    begins = int(since) if since.isascii() and since.isdigit() and len(since) < 19 else None
    one = await operator_inbox.view(v.db, v.account, session)
    thread = await operator_inbox.thread(v.db, v.account, session, since=begins)
    cut = begins is not None and (thread.older or 0) > begins
    signs = reactions.SIGNS if reactions.reacts(v.hub, one["channel"]) else ()
    return {"one": one, "items": thread.items, "older": thread.older, "open": session, "cut": cut, "signs": signs}


async def inbox(v: Visit) -> web.StreamResponse:
    """GET /console/inbox"""
    shown = Shown.of(v)
    return await v.page("inbox.html", **await listed(v, shown), away=await presence.is_away(v.db, v.who.id), open=None)


async def conversation(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}"""
    shown, id = Shown.of(v), v.id()
    values = await opened(v, id)
    card = await _card(v, values["one"]["person_id"], id)
    canned = await operator_inbox.canned(v.db, v.account)
    return await v.page("inbox.html", **await listed(v, shown), **values, **card, canned=canned, text="")


async def away(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/away: nobody is called to whoever says that they are not there."""
    gone = v.form.get("away") == "yes"
    deed.object, deed.change = str(v.who.id), {"away": gone}
    await presence.set_away(v.db, v.who.id, gone)
    return v.to("/console/inbox", "You are away." if gone else "You are here again.")


async def seen(v: Visit) -> web.StreamResponse:
    """POST .../read: the page that is open says up to where its reader has seen it."""
    if not await rows.known(v.db, v.account, v.id()):
        raise NotFound
    await rows.read(v.db, v.account, v.who.id, v.id())
    return web.Response(status=204)


async def _card(v: Visit, person: UUID | None, session: UUID) -> Json:
    """Who it is: all names and all other conversations, on whatever network, and why they are held for one."""
    colleagues = await presence.colleagues(v.db, v.account, HERE)
    if person is None:
        return {"whole": None, "others": [], "joins": [], "colleagues": colleagues}
    joins = [j for j in await contact_rows.joins(v.db, v.account, person) if j["split_at"] is None]
    return {
        "colleagues": colleagues, "whole": await contact_rows.one(v.db, v.account, person), "joins": joins,
        "others": await contact_rows.talks(v.db, v.account, person, OTHERS, session),
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
    signs = reactions.SIGNS if reactions.reacts(v.hub, one["channel"]) else ()
    values: Json = {"one": one, "items": thread.items, "older": thread.older, "open": id, "signs": signs}
    return v.part("older.html", **values) if v.partial else await v.page("history.html", **values)


async def take(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../take: the bot is silent from now on."""
    deed.object = str(v.id())
    await handoff.switch(v.hub, v.account, None, v.id(), True, v.who.id, v.who.name, ends=True)
    deed.begun = True
    return await _again(v)


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
    return v.to(f"/console/inbox/{v.id()}", f"{found['name']} has it now.")


async def back(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../back: the bot answers again."""
    deed.object = str(v.id())
    await handoff.switch(v.hub, v.account, None, v.id(), False, v.who.id, v.who.name)
    deed.begun = True
    return await _again(v)


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
    return await _again(v)


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
    return await _again(v)


async def draft(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST .../draft: what the bot would say, for the person to change and send."""
    deed.object = str(v.id())
    text = await suggestion.draft(v.hub, v.account, v.id())
    if v.partial:
        return v.part("drafted.html", text=text)
    values = await opened(v, v.id())
    card = await _card(v, values["one"]["person_id"], v.id())
    canned = await operator_inbox.canned(v.db, v.account)
    return await v.page(
        "inbox.html", **await listed(v, Shown("all", "", None)), **values, **card, canned=canned, text=text
    )


async def _again(v: Visit) -> web.StreamResponse:
    """The thread as it is now."""
    if not v.partial:
        return v.to(f"/console/inbox/{v.id()}")
    values = await opened(v, v.id(), v.form.get("since"))
    await rows.read(v.db, v.account, v.who.id, v.id())
    return v.part("news.html", **values, talks=None, waiting=await rows.waiting_count(v.db, v.account))


def routes() -> list[web.RouteDef]:
    one = "/console/inbox/{id}"
    return [
        look("/console/inbox", inbox), look(one, conversation), look(one + "/older", older),
        act("/console/inbox/away", "inbox.presence_set", away),
        mark(one + "/read", seen),
        look(one + "/react/{message}", signs, "inbox"), act(one + "/react/{message}", "inbox.reacted", react),
        act(one + "/take", "inbox.taken", take), act(one + "/give", "inbox.given", give),
        act(one + "/back", "inbox.given_back", back),
        act(one + "/say", "inbox.answered", say, repeats=True), act(one + "/note", "inbox.noted", note),
        act(one + "/draft", "inbox.drafted", draft), act(one + "/split", "inbox.split", split),
    ]

