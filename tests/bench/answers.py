"""Finding and answering offline, judged on made-up businesses: which document is found, what is answered to what.

The real way: documents are indexed, questions asked as a conversation asks them. The half that was tuned with and the
one that was kept apart are told separately, and the same documents as one file with chapters.
"""

from hub.ids import uuid7
from tests.bench.place import Place
from tests.bench.report import Pace, say, title
from tests.bench.vectors import remembering
from tests.knowledge.business import NAMES, UNTOUCHED, Figures, judged, shelved

ACCOUNT = "insert into accounts (id, name, salt) values ($1, 'answers', 's')"


async def measure(place: Place, pace: Pace) -> None:
    title("12. Answers of the offline model: made-up businesses, half of the questions kept apart from tuning")
    db, account = place.hub.db, uuid7()
    await db.run(ACCOUNT, account)
    async with remembering() as embedder:
        for whole in (False, True) if pace.runs > 1 else (False,):
            halves = {kept: Figures() for kept in (False, True)}
            for name in NAMES:
                collection = await shelved(db, embedder, account, name, whole)
                for kept, figures in halves.items():
                    await judged(db, embedder, account, collection, name, kept, figures)
            new = Figures()
            for name in UNTOUCHED:
                collection = await shelved(db, embedder, account, name, whole)
                for kept in halves:
                    await judged(db, embedder, account, collection, name, kept, new)
            say(f"{'one file' if whole else 'files'}, nothing tuned with it", new.told())
            for kept, figures in halves.items():
                say(f"{'one file' if whole else 'files'}, {'kept apart' if kept else 'tuned with'}", figures.told())
