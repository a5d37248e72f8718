"""What was said in conversations, found by its words: the one place that searches them."""

import re
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

MOST, EACH = 12, 2000
# The best first: whole words before slips, then the newest. Of what stands in more than is looked at, a last row tells.
FOUND = """
    select f.kind, f.id, f.session_id, f.place, f.at, f.text, s.client_id, s.tag, s.chat, i.channel, k.name as contact_name, k.phone,
        k.username, coalesce(s.metadata->>'name', s.metadata->>'anon:name', s.metadata->>'email', s.metadata->>'anon:email') as said_name
    from said($1, (select array_agg(bare(w)) from unnest($2::text[]) w), bare($3), $4) f
    left join sessions s on s.id = f.session_id and s.account_id = $1 and s.client_id is not null
    left join integrations i on i.id = s.integration_id left join contacts k on k.id = s.contact_id
    where s.id is not null or f.kind = 'cut' order by f.kind = 'cut' desc, (f.nearness >= 0.999) desc, f.at desc limit $5 + 1
"""
WORD = re.compile(r"\w+", re.UNICODE)

Json = dict[str, Any]


def words(text: str) -> list[str]:
    """The words that a search asks for; those of less than three letters find too much."""
    return list(dict.fromkeys(w for w in WORD.findall(text.lower()) if len(w) > 2))[:8]


async def find(db: Call, account: UUID, text: str, limit: int = MOST) -> list[Json]:
    """Messages, notes and names of files of the whole history, with whom and where. Where a word stands in so many that not
    all were looked at, the last one is of the kind `cut` and is nothing else."""
    asked = words(clean(text))
    if not asked:
        return []
    rows = await db.fetch(FOUND, account, asked, max(asked, key=len), EACH, limit)
    found = [dict(r) for r in rows if r["kind"] != "cut"][:limit]
    return found + [dict(r) for r in rows if r["kind"] == "cut"]
