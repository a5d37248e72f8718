"""Checks what a storm left behind: what was accepted, what the database says, what people saw."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hub.store.db import Call
from tests.flows.ledger import PLACEHOLDER, Shown
from tests.flows.rig import marks

ROWS = {
    "inbox": """
        select i.session_id, i.seq, i.state, i.turn_id, i.body, s.chat
        from inbox i join sessions s on s.id = i.session_id
    """,
    "turns": "select id, session_id, from_seq, upto_seq, epoch, outcome, error, attempts from turns"
             " order by session_id, from_seq",
    "outbox": "select id, session_id, turn_id, part, chat, body, mode, state, code, error, attempt, not_before,"
              " network_id from outbox order by id",
    "sessions": "select id, chat, last_seq, done_seq, due_at, lease_until from sessions",
    "strays": "select s.chat, k.tries, k.reach from stray_placeholders k join sessions s on s.id = k.session_id",
    "noted": "select chat, network_id, tries from left_placeholders",
    "said": "select turn_id, content from messages where role = 'assistant'",
}
OPEN = ("queued", "sending")
SORRY = ("failed", "poison")
PICTURE = re.compile(r"\bt(\d+)-(\d+)_\d+")  # of which chat, and with the answer to which message

Json = dict[str, Any]


@dataclass
class History:
    """accepted: marks whose webhook was answered with 200, by chat, in the order they were said."""

    accepted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    accepted_at: dict[str, float] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    drafts: list[Shown] = field(default_factory=list)
    drafted: set[str] = field(default_factory=set)
    pressed: Counter[str] = field(default_factory=Counter)  # buttons by chat, each once however often it was told
    counted: tuple[int, Counter[tuple[str, str]]] | None = None
    inbox: list[Json] = field(default_factory=list)
    turns: list[Json] = field(default_factory=list)
    outbox: list[Json] = field(default_factory=list)
    sessions: list[Json] = field(default_factory=list)
    said: list[Json] = field(default_factory=list)
    strays: list[Json] = field(default_factory=list)
    noted: list[Json] = field(default_factory=list)

    async def read(self, db: Call) -> None:
        for name, sql in ROWS.items():
            setattr(self, name, [dict(r) for r in await db.fetch(sql)])

    def numbers(self) -> Json:
        return {
            "accepted": sum(map(len, self.accepted.values())),
            "turns": len(self.turns),
            "parts": len(self.outbox),
            "states": dict(Counter(f"{o['mode']}:{o['state']}" for o in self.outbox)),
            "outcomes": dict(Counter(t["outcome"] for t in self.turns)),
            "drafts": len(self.drafts),
            "drafts behind their answer": sum(_late(self, d) for d in self.drafts),
            "albums": sum("album" in o["body"] or "rest" in o["body"] for o in self.outbox),
            "pressed": sum(self.pressed.values()),
            "apologies": [(t["attempts"], t["error"]) for t in self.turns if t["outcome"] in SORRY],
            "buttons left of reading": sum(s.marked for s in self.shown),
            "placeholders left": [self.standing(s) for s in self.shown if s.text == PLACEHOLDER],
        }

    def standing(self, one: Shown) -> str:
        """Of a placeholder that was left: what the hub knows of it, and what else stands or may stand in its chat."""
        noted = [n["tries"] for n in self.noted if (n["chat"], n["network_id"]) == (one.chat, one.id)]
        sought = [(s["tries"], s["reach"]) for s in self.strays if s["chat"] == one.chat]
        own = [p for p in self.outbox if p["chat"] == one.chat]
        doubts = [(p["id"], p["state"], p["code"], p["attempt"]) for p in own if p["attempt"] and not p["network_id"]]
        known = sorted(int(p["network_id"]) for p in own if p["network_id"])
        near = [i for i in known if i < int(one.id)][-2:], [i for i in known if i > int(one.id)][:2]
        return f"{one.chat}/{one.id}: noted {noted}, sought {sought}, doubts {doubts}, between {near}"


def seen(h: History, part: Json) -> int:
    """How often people see this part. Answers carry marks of their own, so a text names one part."""
    if h.counted is None or h.counted[0] != len(h.shown):
        h.counted = len(h.shown), Counter((s.chat, s.text) for s in h.shown)
    return h.counted[1][part["chat"], words(part)]


def words(part: Json) -> str:
    """What people see of a part: its text, or the names of its files."""
    body = part["body"]
    if not body.get("file"):
        return str(body["text"])
    return " ".join(f["alt"] for f in (body["file"], *body.get("album", ())))


def i1_accepted_is_stored(h: History) -> Iterator[str]:
    """Whatever was answered with 200 is in the inbox, once."""
    stored = Counter(m for row in h.inbox for m in marks(row["body"]["text"]))
    for said in h.accepted.values():
        for mark in said:
            if stored[mark] != 1:
                yield f"{mark} was accepted and is stored {stored[mark]} times"


def i2_one_turn_for_each_message(h: History) -> Iterator[str]:
    """Each stored message ended in exactly one committed turn, or was set aside by one."""
    turns = {t["id"]: t for t in h.turns}
    for row in h.inbox:
        turn = turns.get(row["turn_id"])
        if row["state"] not in ("answered", "dead") or turn is None or turn["session_id"] != row["session_id"]:
            yield f"message {row['seq']} of {row['chat']} is {row['state']} without a turn of its session"
        elif not turn["from_seq"] < row["seq"] <= turn["upto_seq"]:
            yield f"message {row['seq']} of {row['chat']} is outside of its turn"
    told = Counter(m for s in h.said for m in marks(s["content"]["text"]))
    yield from (f"{mark} was answered {n} times" for mark, n in told.items() if n > 1)


def i3_turns_do_not_overlap(h: History) -> Iterator[str]:
    """The turns of a session follow each other without gap or overlap, each with a newer fence."""
    last: dict[Any, tuple[int, int]] = {}
    for t in h.turns:
        upto, epoch = last.get(t["session_id"], (0, 0))
        if t["from_seq"] != upto:
            yield f"a turn begins at {t['from_seq']}, the one before it ended at {upto}"
        if t["epoch"] <= epoch:
            yield f"a turn has fence {t['epoch']} after {epoch}"
        last[t["session_id"]] = (t["upto_seq"], t["epoch"])


def i4_no_part_is_seen_twice(h: History) -> Iterator[str]:
    """At most once in every mode but at_least_once."""
    for part in h.outbox:
        if (marks(words(part)) or part["body"].get("file")) and seen(h, part) > 1 and part["mode"] != "at_least_once":
            yield f"part {part['id']} ({part['mode']}) is seen {seen(h, part)} times"
        plain = not {"bare", "file", "template", "spot", "card"} & part["body"].keys()
        filling = plain and part["mode"] in ("placeholder_edit", "at_least_once")
        if filling and seen(h, part) < 1:
            why = f"{part.get('code')}: {part.get('error')}, tried {part.get('attempt')} times"
            yield f"part {part['id']} ({part['mode']}, {part['state']}, {why}) is not seen"


def i5_sent_means_delivered(h: History) -> Iterator[str]:
    """What is marked as sent is in somebody's chat."""
    for part in h.outbox:
        if part["state"] == "sent" and seen(h, part) < 1:
            yield f"part {part['id']} ({part['mode']}) is marked as sent and nobody saw it"


def i6_order(h: History) -> Iterator[str]:
    """Answers reach a chat in the order of its questions."""
    heard: dict[str, list[str]] = defaultdict(list)
    for part in h.outbox:
        heard[part["chat"]] += marks(part["body"]["text"])
    for shown in h.shown:
        place = [heard[shown.chat].index(m) for m in marks(shown.text) if m in heard[shown.chat]]
        if place != sorted(place):
            yield f"the answer {shown.text!r} is in disorder"
    for chat, said in h.accepted.items():
        order = [m for s in h.shown if s.chat == chat for m in marks(s.text)]
        places = [said.index(m) for m in dict.fromkeys(order) if m in said]
        if places != sorted(places):
            yield f"chat {chat} saw its answers in the order {order}"


def i7_nothing_is_left(h: History) -> Iterator[str]:
    """Some time after the last fault nothing waits, runs or is being sent."""
    for s in h.sessions:
        if s["due_at"] or s["lease_until"] or s["done_seq"] != s["last_seq"]:
            yield f"session of {s['chat']} has work left: {s['done_seq']} of {s['last_seq']}"
    for o in h.outbox:
        if o["state"] in OPEN:
            tried = f"tried {o.get('attempt')} times ({o.get('code')}), again at {o.get('not_before')}"
            yield f"part {o['id']} of {o['chat']} ({o['mode']}) is still {o['state']}, {tried}"


def _late(h: History, draft: Shown) -> bool:
    """Whether it was shown when its answer was there: by a process that slept, until it goes by itself."""
    said = set(marks(draft.text))
    return bool(said) and any(s.chat == draft.chat and said & set(marks(s.text)) and s.at < draft.at for s in h.shown)


def i8_drafts_are_where_they_belong(h: History) -> Iterator[str]:
    """Only chats of that mode see drafts, of what they asked; a draft is never a message."""
    for draft in h.drafts:
        if draft.chat not in h.drafted:
            yield f"chat {draft.chat} saw a draft"
        for mark in marks(draft.text):
            if mark not in h.accepted[draft.chat]:
                yield f"chat {draft.chat} saw a draft of {mark}"
    # Words of a quick answer are there before a draft could hold them: that somebody thinks was seen at least.
    seen = {draft.chat for draft in h.drafts}
    for chat in h.drafted:
        if len(h.accepted[chat]) > 20 and chat not in seen:
            yield f"chat {chat} saw no draft"


def i9_albums_are_whole_and_in_their_place(h: History) -> Iterator[str]:
    """Each picture is seen once, as part of its album or by itself, and between the answers that it stands between."""
    seen_of = Counter((s.chat, m[0]) for s in h.shown for m in PICTURE.finditer(s.text))
    yield from (f"chat {chat} saw the picture {name} {n} times" for (chat, name), n in seen_of.items() if n > 1)
    for part in h.outbox:
        names = [m[0] for m in PICTURE.finditer(words(part))] if part["body"].get("file") else []
        # What goes on one by one has its rows behind it.
        lost = [n for n in names if not seen_of[part["chat"], n]]
        if lost and part["state"] == "sent":
            yield f"part {part['id']} of {part['chat']} is sent, and {', '.join(lost)} was never seen"
        if part["body"].get("rest") and part["state"] in ("sent", "unknown"):
            yield f"part {part['id']} of {part['chat']} is {part['state']}, and the files behind it have no rows"
    for chat in {s.chat for s in h.shown}:
        places = [
            max([int(m.rpartition("-")[2]) for m in marks(s.text)] + [int(m[2]) for m in PICTURE.finditer(s.text)])
            for s in h.shown if s.chat == chat and (marks(s.text) or PICTURE.search(s.text))
        ]
        if places != sorted(places):
            yield f"chat {chat} saw answers and pictures in the order {places}"


def i10_a_press_is_one_message(h: History) -> Iterator[str]:
    """Each button that was pressed is stored once, as what it stands for."""
    told = Counter(row["chat"] for row in h.inbox if row["body"].get("button"))
    for chat in {*told, *h.pressed}:
        if told[chat] != h.pressed[chat]:
            yield f"chat {chat} pressed {h.pressed[chat]} times, and {told[chat]} presses are stored"


INVARIANTS: tuple[Callable[[History], Iterable[str]], ...] = (
    i1_accepted_is_stored,
    i2_one_turn_for_each_message,
    i3_turns_do_not_overlap,
    i4_no_part_is_seen_twice,
    i5_sent_means_delivered,
    i6_order,
    i7_nothing_is_left,
    i8_drafts_are_where_they_belong,
    i9_albums_are_whole_and_in_their_place,
    i10_a_press_is_one_message,
)


def broken(h: History) -> dict[str, list[str]]:
    """What each broken invariant has to say."""
    return {rule.__name__: found for rule in INVARIANTS if (found := list(rule(h)))}
