"""Mails to people of the team: what they say, how they end, and what becomes of one that is not taken."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from pydantic import SecretStr

from hub.accounts import mails
from hub.accounts.accounts import create_account
from hub.accounts.mails import Letter
from hub.chat.operators import letters
from hub.config import Settings
from hub.errors import Upstream
from hub.translations import Catalogues
from tests.api.conftest import Api
from tests.console.alone import api, provider
from tests.console.conftest import Desk, signed_in
from tests.console.test_notices import PLACE, held, notifying

__all__ = ["api", "provider"]
EARLIER = "update notices set told_at = now() - interval '6 minutes'"


@dataclass
class Post:
    """A mail server. refuses: what it says to a recipient (`*`: to every sender)."""

    refuses: dict[str, str] = field(default_factory=dict)
    mails: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode():
            word = line[:4].upper()
            if word == "DATA":
                writer.write(b"354 go on\r\n")
                text = await reader.readuntil(b"\r\n.\r\n")
                assert text.isascii(), "not every server on the way takes more"
                self.mails.append(email.message_from_bytes(text[:-5], policy=email.policy.default))
                writer.write(b"250 taken\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                to = line.partition("<")[2].partition(">")[0] if word == "RCPT" else "*" if word == "MAIL" else ""
                self.asked += [to] if word == "RCPT" else []
                writer.write(self.refuses.get(to, "250 fine").encode() + b"\r\n")
        writer.close()


@pytest.fixture
async def post(api: Api) -> AsyncIterator[Post]:
    made = Post()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    settings = api.hub.settings.changed(smtp_url=SecretStr(f"smtp://127.0.0.1:{made.port}?from=Hub <hub@example.com>"))
    object.__setattr__(api.hub, "settings", settings)
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()


class Seen(HTMLParser):
    """What a mail program would fetch or run, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.tags, self.links = set[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]


def parts(mail: EmailMessage) -> tuple[str, str]:
    assert mail.get_content_type() == "multipart/alternative"
    plain, page = mail.iter_parts()
    assert (plain.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    return plain.get_content(), page.get_content()


async def test_a_mail_tells_who_did_not_look(desk: Desk, api: Api, post: Post) -> None:
    session = await held(api, desk, "10 minutes")
    zone = "update accounts set parameters = parameters || '{\"timeZone\": \"Asia/Kolkata\"}' where id = $1"
    await api.hub.db.run(zone, desk.who.account_id)
    await desk.done(PLACE, push="yes", of="open", mail="15")
    async with notifying(api) as look:
        await look()
        assert post.mails == []
        post.refuses["*"] = "451 not now"
        await desk.done(PLACE, push="yes", of="open", mail="5")
        await look()
        assert post.mails == []
        post.refuses.clear()
        await look()
        assert post.mails == [], "who was refused is tried again after the pause between two mails"
        await api.hub.db.run(EARLIER)
        await look()
        [one] = post.mails
        assert (one["To"], one["From"]) == (desk.who.email, "Hub <hub@example.com>")
        assert one["Subject"] == "Tomás Okafor waits for an answer"
        for said in parts(one):
            assert f"/console/inbox/{session}" in said and "bouquet" not in said
            assert "Asia/Kolkata" in said, "by the business's clock"
        seen = Seen()
        seen.feed(parts(one)[1])
        assert seen.tags.isdisjoint({"img", "script", "link", "style", "iframe", "form", "object"})
        assert all(link.startswith(api.hub.settings.address) for link in seen.links)
        assert one["Auto-Submitted"] == "auto-generated" and one["Date"].datetime.tzinfo is not None
        await look()
        assert len(post.mails) == 1


async def test_a_mail_ends_by_one_request_of_whoever_has_it_and_by_no_look(desk: Desk, api: Api, post: Post) -> None:
    other = await signed_in(api, "owner", (await create_account(api.hub.db, "Other")).id)
    try:
        for one in (desk, other):
            await held(api, one, "10 minutes")
            await one.done(PLACE, push="yes", of="open", mail="5", weekly="yes")
        async with notifying(api) as look:
            await look()
        [mine] = [m for m in post.mails if m["To"] == desk.who.email]
        assert mine["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        way = mine["List-Unsubscribe"].strip("<>")
        assert way.startswith(api.hub.settings.address + letters.PLACE + "/waiting/") and way in parts(mine)[1]
        at = api.url + way.removeprefix(api.hub.settings.address)
        how = "select notices from operators where id = $1"

        async def asked(method: str, url: str) -> int:
            async with api.http.request(method, url, data={"List-Unsubscribe": "One-Click"}) as got:
                await got.read()
                return got.status

        async def now(one: Desk) -> tuple[Any, Any]:
            found = await api.hub.db.value(how, one.who.id)
            return found["mail"], found["weekly"]

        forged = at[:-1] + ("A" if at[-1] != "A" else "B"), at.replace("/waiting/", "/week/"), at[:-20], at + "%FF"
        assert [await asked("POST", url) for url in forged] == [404] * 4
        assert (await asked("GET", at), await asked("HEAD", at)) == (200, 200)
        assert await now(desk) == (5, True), "a scanner that looks at links ends nothing"
        assert [await asked("POST", at) for _ in range(2)] == [200, 200]
        assert (await now(desk), await now(other)) == ((0, True), (5, True))
        noted = "select count(*) from audit where actor_id = $1 and action = 'self.notices_changed'"
        assert await api.hub.db.value(noted, desk.who.id) == 2, "the form, and the mail: once"
        week = letters.off(api.hub, "week", desk.who.account_id, desk.who.id).removeprefix(api.hub.settings.address)
        assert await asked("POST", api.url + week) == 200 and await now(desk) == (0, False)
        assert 'value="0"' in (await desk.get(PLACE)).text
    finally:
        await other.http.close()


@pytest.mark.parametrize(("answer", "tries"), [("550 nobody of this name", 1), ("450 come again", 2)])
async def test_one_who_is_refused_for_good_is_not_tried_again_and_holds_nobody(
    desk: Desk, api: Api, post: Post, answer: str, tries: int
) -> None:
    colleague = await signed_in(api, "agent", desk.who.account_id)
    try:
        for one in (desk, colleague):
            await one.done(PLACE, push="yes", of="all", mail="5")
        await held(api, desk, "10 minutes")
        post.refuses[desk.who.email] = answer
        async with notifying(api) as look:
            for _ in range(2):
                await look()
                await api.hub.db.run(EARLIER)
        assert post.asked.count(desk.who.email) == tries
        assert [m["To"] for m in post.mails] == [colleague.who.email]
    finally:
        await colleague.http.close()


HOSTILE = [
    ("Zoë 👩‍👩‍👧 çã 日本 שלום", "Zoë 👩‍👩‍👧 çã 日本 שלום"),
    ('O\'Hara, "Bo" <x@evil.example>', 'O\'Hara, "Bo" <x@evil.example>'),
    ("Ana\r\nBcc: all@example.com\r\n\r\n<b>x</b>\x00", "Ana Bcc: all@example.com <b>x</b>"),
    ("\u202egnp.exe", "gnp.exe"), ("\ud83d cut", "? cut"), ("x" * 500, "x" * 200),
]


@pytest.mark.parametrize(("said", "read"), HOSTILE)
def test_what_people_are_called_stays_in_its_place(said: str, read: str) -> None:
    settings = Settings(smtp_url=SecretStr('smtp://mail.example?from="Acme, Inc" <hub@example.com>'), public_url="https://hub.example")
    letter = Letter(said, said, "<p>x</p>", "https://hub.example/off")
    sent = mails.written(settings, "ana@example.com", letter).as_bytes(policy=email.policy.SMTP)
    mail = email.message_from_bytes(sent, policy=email.policy.default)
    assert mail["Subject"] == read and mail["Bcc"] is None and mail["To"] == "ana@example.com"
    assert [a.display_name for a in mail["From"].addresses] == ["Acme, Inc"]
    assert mail["Message-ID"].endswith("@hub.example>") and mail.is_multipart()


@pytest.mark.parametrize("sender", ["Hub <no address>", "Hub <a@b", "<>", "Hub <a@b>\r\nBcc: x@example.com"])
async def test_a_sender_that_is_none_is_told_and_nothing_breaks(sender: str) -> None:
    settings = Settings(smtp_url=SecretStr(f"smtp://127.0.0.1:9?from={sender}"))
    with pytest.raises(Upstream):
        await mails.send(settings, "ana@example.com", Letter("x", "x", "x", "https://hub.example/off"))


def test_a_page_shows_names_as_they_are_and_runs_none() -> None:
    line = letters.Line("<script>alert(1)</script>", "https://hub.example/?a=1&b=2", '"><img src=x>')
    page = letters.Page([line], ("Open", "https://hub.example/"), [])
    seen = Seen()
    seen.feed(letters.written("<img src=x>", "", page, "", Catalogues().of("en")).html)
    assert seen.tags.isdisjoint({"script", "img"})
