"""What takes long to import is brought in beside the loop, where everybody else's calls go on."""

import asyncio
import sys
from asyncio.subprocess import PIPE

import orjson
import pytest

# A process that has imported nothing yet tells which of these its loop imported, and what it answers.
CODE = """
import asyncio, sys, threading
from datetime import UTC, datetime
import orjson
import hub.runtime
from hub import schemas
from hub.llm.bulk import BulkEmbedder
from hub.tools.schedule import book

held = set()

class Seen:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if threading.current_thread() is threading.main_thread():
            held.add(name.partition(".")[0])

async def words():
    found = await book.when_of("amanhã às 9", "America/Sao_Paulo", datetime(2026, 3, 2, 12, tzinfo=UTC), "pt", "when")
    return found.isoformat()

async def vectors():
    bulk = BulkEmbedder()
    try:
        return len((await bulk.passages(["bom dia"]))[0])
    finally:
        await bulk.close()

async def checked():
    await schemas.ready()
    return [place for place, _ in schemas.Schema({"properties": {"a": {"pattern": "^x"}}}).complaints({"a": "y"})]

sys.meta_path.insert(0, Seen)
told = asyncio.run({"words": words, "vectors": vectors, "checked": checked}[sys.argv[1]]())
print(orjson.dumps([told, sys.argv[2] in sys.modules, sys.argv[2] in held]).decode())
"""


@pytest.mark.parametrize(
    ("what", "package", "told"),
    [
        ("words", "dateparser", "2026-03-03T12:00:00+00:00"), ("vectors", "numpy", 384),
        ("checked", "jsonschema", ["a"]), ("checked", "regex", ["a"]),
    ],
)
async def test_the_loop_imports_nothing_that_takes_long(what: str, package: str, told: object) -> None:
    command = [sys.executable, "-X", "utf8", "-c", CODE, what, package]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    said, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()[-2000:]
    assert orjson.loads(said) == [told, True, False]
