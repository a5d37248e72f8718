"""JavaScript of a model: what it may do, and that it gets nowhere."""

import asyncio
import os
from pathlib import Path

from hub.tools.base import ToolFailed
from hub.tools.builtin import code, offered
from tests.tools.conftest import Place, use


async def evaluate(place: Place, source: str, seconds: float = 30.0) -> str:
    [tool] = offered(["Code"])
    return (await use(tool, place.context(seconds=seconds), code=source)).text


GIVES = [
    ("1 + 1", "Result: 2"),
    ("console.log('a', {b: [1]}); console.error(7); [1, {x: null}]", 'a {"b":[1]}\n7\nResult: [1,{"x":null}]'),
    ("return 5", "Result: 5"),
    ("return await new Promise(r => setTimeout(() => r('later'), 0))", 'Result: "later"'),
    ("10n ** 20n", 'Result: "100000000000000000000"'),
    ("undefined", "Result: undefined"),
    ("(x) => x", "Result: (x) => x"),
    ("new Intl.NumberFormat('pt-BR').format(1234.5)", 'Result: "1.234,5"'),
    ("JSON.stringify = () => 'mine'; console.log = null; ({a: 1})", 'Result: {"a":1}'),
    ("'não 😀'", 'Result: "não 😀"'),
]
FAILS = [
    ("let x = ;", "SyntaxError: Unexpected token ';'"),
    ("console.log('before'); throw new TypeError('bad')", "before\nTypeError: bad (line 1, column 30)"),
    ("throw {a: 1}", 'Thrown: {"a":1}'),
    ("const f = () => f(); f()", "Maximum call stack"),
    ("require('fs')", "require is not defined"),
    ("fetch('http://127.0.0.1/')", "fetch is not defined"),
    ("new XMLHttpRequest()", "not defined"),
    ("new WebSocket('ws://127.0.0.1')", "not defined"),
    ("import('fs')", "Not supported"),
    ("import fs from 'fs'", "SyntaxError"),
    ("new WebAssembly.Module(new Uint8Array())", "WebAssembly is not defined"),
    ("this.constructor.constructor('return process')()", "process is not defined"),
    ("const a = []; while (true) a.push(new Array(1e6).fill(1.5))", "memory"),
    ("const a = []; while (true) a.push(new ArrayBuffer(1e8).slice(1))", "allocation failed"),
    ("'x'.repeat(5e8)", "stopped: it needs more memory"),
]


async def test_code_gives_what_it_logs_and_its_result(place: Place) -> None:
    said = await asyncio.gather(*(evaluate(place, source) for source, _ in GIVES))
    assert said == [words for _, words in GIVES]


async def test_what_fails_is_said_and_nothing_can_be_reached(place: Place) -> None:
    said = await asyncio.gather(*(evaluate(place, source, 60) for source, _ in FAILS), return_exceptions=True)
    for (source, words), e in zip(FAILS, said, strict=True):
        assert isinstance(e, ToolFailed) and words in str(e), (source, e)


async def test_endless_code_is_stopped_while_the_loop_goes_on(place: Place) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.02)
            ticks += 1

    ticking = asyncio.create_task(tick())
    endless = ("while (true) {}", "new Promise(() => {})", "for (;;) await 1")
    said = await asyncio.gather(*(evaluate(place, one, 2) for one in endless), return_exceptions=True)
    ticking.cancel()
    assert all(isinstance(e, ToolFailed) and ("longer than" in str(e) or "stopped" in str(e)) for e in said), said
    assert ticks > 20
    assert not _children()


async def test_huge_output_is_cut(place: Place) -> None:
    said = await evaluate(place, "for (let i = 0; i < 1e6; i++) console.log('line', i); 'x'.repeat(1e6)")
    assert len(said) < 3 * code.LONGEST and "[cut" in said


async def test_the_process_has_no_environment_and_can_open_nothing(place: Place) -> None:
    """Looked at from outside, while it runs."""
    running = asyncio.create_task(evaluate(place, "const until = Date.now() + 1500; while (Date.now() < until);"))
    for _ in range(100):
        await asyncio.sleep(0.05)
        found = [c for c in _children() if _limit(c, "Max open files") == "0"]
        if found:
            break
    [pid] = found
    assert Path(f"/proc/{pid}/environ").read_bytes().strip(b"\0") in (b"", b"LC_CTYPE=C.UTF-8")
    assert [_limit(pid, n) for n in ("Max open files", "Max file size", "Max processes", "Max core file size")] == [
        "0"
    ] * 4
    await running


async def test_a_cancelled_turn_leaves_no_process(place: Place) -> None:
    running = asyncio.create_task(evaluate(place, "while (true) {}"))
    while not _children():
        await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not _children()


async def test_only_so_many_run_at_once(place: Place) -> None:
    source = "const until = Date.now() + 300; while (Date.now() < until); 1"
    running = [asyncio.create_task(evaluate(place, source)) for _ in range(6)]
    most = 0
    while not all(r.done() for r in running):
        most = max(most, len(_children()))
        await asyncio.sleep(0.02)
    assert [r.result() for r in running] == ["Result: 1"] * 6
    assert 1 < most <= 4


def _children() -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = folder.joinpath("cmdline").read_bytes().decode() if folder.name.isdigit() else ""
            mine = f"PPid:\t{os.getpid()}\n" in folder.joinpath("status").read_text() if words else False
        except (FileNotFoundError, ProcessLookupError):
            continue
        if mine and "children/javascript.py" in words:
            found.append(folder.name)
    return found


def _limit(pid: str, name: str) -> str:
    line = next(line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith(name))
    return line.removeprefix(name).split()[0]
