"""The checker of storms must see what it is there to see."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.flows.history import History, broken
from tests.flows.ledger import Shown


def clean() -> History:
    """Two questions, answered one after the other."""
    h = History()
    h.accepted["7"] = ["#a7-1", "#a7-2"]
    h.sessions = [{"id": 1, "chat": "7", "last_seq": 2, "done_seq": 2, "due_at": None, "lease_until": None}]
    for n in (1, 2):
        text = f"You said #a7-{n}"
        h.inbox.append(
            {"session_id": 1, "seq": n, "state": "answered", "turn_id": n, "body": {"text": f"hi #a7-{n}"}, "chat": "7"}
        )
        h.turns.append({"id": n, "session_id": 1, "from_seq": n - 1, "upto_seq": n, "epoch": n, "outcome": "answered"})
        h.said.append({"turn_id": n, "content": {"text": text}})
        h.outbox.append(
            {
                "id": n,
                "session_id": 1,
                "turn_id": n,
                "part": 0,
                "chat": "7",
                "body": {"text": text},
                "mode": "placeholder_edit",
                "state": "sent",
                "code": None,
                "network_id": str(n),
            }
        )
        h.shown.append(Shown("telegram", "7", str(n), ["…", text]))
    return h


def _lost(h: History) -> None:
    h.accepted["7"].append("#a7-3")


def _stored_twice(h: History) -> None:
    h.inbox.append(h.inbox[0] | {"seq": 3, "turn_id": 2})


def _unanswered(h: History) -> None:
    h.inbox[1]["state"] = "waiting"


def _in_two_answers(h: History) -> None:
    h.said.append({"turn_id": 2, "content": {"text": "You said #a7-1"}})


def _outside(h: History) -> None:
    h.inbox[0]["turn_id"] = 2


def _overlap(h: History) -> None:
    h.turns[1]["from_seq"] = 0


def _gap(h: History) -> None:
    h.turns[0]["upto_seq"] = 0


def _old_fence(h: History) -> None:
    h.turns[1]["epoch"] = 1


def _duplicate(h: History) -> None:
    h.shown.append(h.shown[1])


def _unseen(h: History) -> None:
    h.shown.pop()


def _sent_unseen(h: History) -> None:
    h.outbox[1]["mode"] = "at_most_once"
    h.shown.pop()


def _disorder(h: History) -> None:
    h.shown.reverse()


def _disorder_inside(h: History) -> None:
    h.shown = [Shown("telegram", "7", "1", ["You said #a7-2 #a7-1"])]


def _leased(h: History) -> None:
    h.sessions[0]["lease_until"] = "now"


def _behind(h: History) -> None:
    h.sessions[0]["done_seq"] = 1


def _queued(h: History) -> None:
    h.outbox[1]["state"] = "queued"


def pictured() -> History:
    """The second answer came with an album; a button was pressed once."""
    h = clean()
    files = [{"alt": f"t7-2_{n}"} for n in (1, 2)]
    body = {"text": "", "file": files[0], "album": files[1:]}
    h.outbox.append(h.outbox[1] | {"id": 3, "part": 1, "body": body, "network_id": "3"})
    h.shown.append(Shown("telegram", "7", "3", ["t7-2_1 t7-2_2"]))
    h.inbox[1]["body"]["button"] = "c:1"
    h.pressed["7"] = 1
    return h


def _album_twice(h: History) -> None:
    h.shown.append(Shown("telegram", "7", "4", ["t7-2_1 t7-2_2"]))


def _one_of_it_twice(h: History) -> None:
    h.shown.append(Shown("telegram", "7", "4", ["t7-2_2"]))


def _left_behind(h: History) -> None:
    row = next(o for o in h.outbox if o["body"].get("album"))
    row["body"]["rest"] = row["body"].pop("album")
    row["state"] = "unknown"


def _album_unseen(h: History) -> None:
    h.shown.pop()


def _album_before_its_words(h: History) -> None:
    h.shown.insert(0, h.shown.pop())


def _cut(h: History) -> None:
    h.shown[-1].texts.append("t7-2_1")


def _pressed_twice(h: History) -> None:
    h.inbox[0]["body"]["button"] = "c:1"


def _press_lost(h: History) -> None:
    h.pressed["7"] = 2


@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        (_album_twice, "i4_no_part_is_seen_twice"),
        (_album_twice, "i9_albums_are_whole_and_in_their_place"),
        (_one_of_it_twice, "i9_albums_are_whole_and_in_their_place"),
        (_album_unseen, "i5_sent_means_delivered"),
        (_left_behind, "i9_albums_are_whole_and_in_their_place"),
        (_cut, "i9_albums_are_whole_and_in_their_place"),
        (_album_before_its_words, "i9_albums_are_whole_and_in_their_place"),
        (_pressed_twice, "i10_a_press_is_one_message"),
        (_press_lost, "i10_a_press_is_one_message"),
    ],
)
def test_a_fault_of_albums_and_buttons_is_found(plant: Callable[[History], Any], rule: str) -> None:
    h = pictured()
    assert broken(h) == {}
    plant(h)
    assert rule in broken(h)


def test_an_album_in_doubt_may_be_seen_or_not() -> None:
    h = pictured()
    h.outbox[2]["state"] = "unknown"
    assert broken(h) == {}
    h.shown.pop()
    assert broken(h) == {}


def test_a_clean_history_passes() -> None:
    assert broken(clean()) == {}


@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        (_lost, "i1_accepted_is_stored"),
        (_stored_twice, "i1_accepted_is_stored"),
        (_unanswered, "i2_one_turn_for_each_message"),
        (_in_two_answers, "i2_one_turn_for_each_message"),
        (_outside, "i2_one_turn_for_each_message"),
        (_overlap, "i3_turns_do_not_overlap"),
        (_gap, "i3_turns_do_not_overlap"),
        (_old_fence, "i3_turns_do_not_overlap"),
        (_duplicate, "i4_no_part_is_seen_twice"),
        (_unseen, "i4_no_part_is_seen_twice"),
        (_sent_unseen, "i5_sent_means_delivered"),
        (_disorder, "i6_order"),
        (_disorder_inside, "i6_order"),
        (_leased, "i7_nothing_is_left"),
        (_behind, "i7_nothing_is_left"),
        (_queued, "i7_nothing_is_left"),
    ],
)
def test_a_planted_fault_is_found(plant: Callable[[History], Any], rule: str) -> None:
    h = clean()
    plant(h)
    assert rule in broken(h)


@pytest.mark.parametrize("mode", ["at_most_once", "reconcile"])
def test_an_unknown_part_may_be_seen_or_not(mode: str) -> None:
    h = clean()
    h.outbox[1] |= {"mode": mode, "state": "unknown"}
    assert broken(h) == {}
    h.shown.pop()
    assert broken(h) == {}
