"""What a storm did to whom, as one table: by network and mode."""

from collections import Counter, defaultdict
from typing import Any

from tests.flows.history import History, i6_order
from tests.flows.rig import marks

COLUMNS = ("accepted", "answered once", "apologised", "doubled", "out of order", "unknown", "p50 s", "p99 s")
Row = dict[str, Any]


def table(h: History, modes: dict[str, tuple[str, str]]) -> dict[str, Row]:
    """modes: network and mode of each chat. Times are from acceptance to the answer in the chat, faults and all."""
    seen: Counter[str] = Counter()
    shown_at: dict[str, float] = {}
    for shown in h.shown:
        for mark in marks(shown.text):
            seen[mark] += 1
            shown_at.setdefault(mark, shown.at)
    disorder = list(i6_order(h))
    rows: dict[str, Row] = defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
    waits: dict[str, list[float]] = defaultdict(list)
    failed = {m for row in h.inbox if row["state"] in ("failed", "dead") for m in marks(row["body"]["text"])}
    for chat, said in h.accepted.items():
        for name in (" ".join(modes[chat]), "all"):
            row = rows[name]
            row["accepted"] += len(said)
            row["answered once"] += sum(seen[m] == 1 for m in said)
            row["doubled"] += sum(seen[m] > 1 for m in said)
            row["apologised"] += sum(m in failed for m in said)
            row["out of order"] += sum(f"chat {chat} " in d for d in disorder)
            waits[name] += [shown_at[m] - h.accepted_at[m] for m in said if m in shown_at]
    for part in h.outbox:
        for name in (" ".join(modes[part["chat"].split("@")[0]]), "all"):
            rows[name]["unknown"] += part["state"] == "unknown"
    for name, found in waits.items():
        found.sort()
        for column, share in (("p50 s", 0.5), ("p99 s", 0.99)):
            rows[name][column] = f"{found[min(len(found) - 1, int(len(found) * share))]:.2f}" if found else "-"
    return dict(sorted(rows.items(), key=lambda r: (r[0] == "all", r[0])))


def printed(rows: dict[str, Row]) -> str:
    widths = [max(len(c), 6) for c in COLUMNS]
    lines = [" " * 30 + "  ".join(c.rjust(w) for c, w in zip(COLUMNS, widths, strict=True))]
    for name, row in rows.items():
        lines.append(name.ljust(30) + "  ".join(str(row[c]).rjust(w) for c, w in zip(COLUMNS, widths, strict=True)))
    return "\n".join(f"storm: {line}" for line in lines) + "\n"
