"""The shell: what a command can do, and what it cannot."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.config import Settings
from hub.domain import Json
from hub.runtime import Hub, open_hub
from hub.tools.base import Context, Result, Tool, ToolFailed
from hub.tools.shell import launch, sandbox
from hub.tools.shell.commands import arrange
from hub.tools.shell.tool import Workspace, shell_tool, workspace
from tests.tools.making import context

KEEPING: Json = {"enableBash": True, "bashOptions": {"allowDataPersistence": True}}
SCHEMA: Json = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "What to look for, 100% literal."},
        "max_results": {"type": "integer", "minimum": 1},
        "exact": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "order": {"type": ["string", "null"], "enum": ["new", "old"]},
        "more": {"type": "object"},
        "help": {"type": "string"},
    },
    "required": ["query"],
}


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    small = settings.changed(
        shell_seconds=3.0, shell_memory_mb=96, shell_processes=32, shell_workspace_mb=5, shell_workspace_files=50,
    )
    async with open_hub(small) as hub:
        yield hub


@dataclass
class Shell:
    """A turn's shell."""

    turn: Context
    space: Workspace
    moved: list[Tool] = field(default_factory=list)
    ran: list[tuple[str, Json]] = field(default_factory=list)

    async def __call__(self, command: str) -> str:
        return (await shell_tool(self.space, self.moved, self.tool).run(self.turn, {"command": command})).text

    async def tool(self, name: str, arguments: Json) -> Result:
        self.ran.append((name, arguments))
        [found] = [t for t in self.moved if t.name == name]
        return await found.run(self.turn, arguments)


@asynccontextmanager
async def opened(hub: Hub, user: str | None = "ana", *moved: Tool, **more: object) -> AsyncIterator[Shell]:
    turn = await context(hub, user, **more)
    async with workspace(turn) as space:
        yield Shell(turn, space, list(moved))


@pytest.fixture
async def shell(hub: Hub) -> AsyncIterator[Shell]:
    async with opened(hub) as shell:
        yield shell


def running(words: str, begin: bool = False) -> list[int]:
    """Processes of the machine whose command line has these words, or begins with them."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode() if entry.name.isdigit() else ""
            if line.startswith(words) if begin else words in line:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


async def test_commands_run_and_say_what_happened(shell: Shell) -> None:
    assert await shell("echo hello; echo wrong >&2; pwd") == "hello\nwrong\n/home/workspace\n"
    assert await shell("printf x; exit 3") == "x\n[exit code 3]"
    assert await shell("true") == "[no output]"
    assert await shell("awk 'BEGIN { print 6 * 7 }'; seq 3 | sort -r | head -1; cat") == "42\n3\n"
    assert "workspace" in await shell("hostname; touch a; ls -la") and await shell("ls") == "a\n"
    assert await shell("echo 'ü €'; printf '\\xff'") == "ü €\n\ufffd"


async def test_nothing_of_the_machine_is_there(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("home-secret")
    monkeypatch.setenv("HUB_SECRET_OF_TEST", "env-secret")
    text = await shell(
        f"env; cat /proc/*/environ; cat {tmp_path}/secret; cat /etc/passwd /etc/shadow /etc/hosts; "
        f"ls / /etc /home /root /var /run /tmp {tmp_path} /proc/1/root/ /proc/1/cwd/; cat /proc/[0-9]*/cmdline"
    )
    for word in ("home-secret", "env-secret", "HUB_", "root:", ".pytest", "-m pytest"):
        assert word not in text, text
    listed = set((await shell("ls /")).split())
    assert listed <= {"bin", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "tmp", "usr"}
    assert set((await shell("ls /etc")).split()) <= {"alternatives", "ld.so.cache"}
    assert int(await shell("ls /proc | grep -c '^[0-9]'")) < 8


async def test_commands_are_nobody_and_cannot_write_elsewhere(shell: Shell) -> None:
    text = await shell("id -u; id -g; grep -E 'CapEff|CapPrm|NoNewPrivs|Seccomp:' /proc/self/status | tr -d '\\t'")
    assert text == "1000\n1000\nCapPrm:0000000000000000\nCapEff:0000000000000000\nNoNewPrivs:1\nSeccomp:2\n"
    for place in ("/x", "/usr/x", "/etc/x", "/dev/x", "/opt/x", "/home/x", "/bin/x", "/proc/sys/kernel/hostname"):
        assert "exit code" in await shell(f"touch {place} && echo x > {place}"), place
    for attempt in (
        "mount -t tmpfs x /tmp", "unshare -Ur true", "umount /home/workspace", "dmesg", "chroot / true",
        "mknod n b 8 0", "ln /usr/bin/env hard", "kill -9 1", "su -c true",
        "python3 -c 'import os; os.memfd_create(\"x\")'",
    ):
        done = await shell(f"{attempt}; echo code $?")
        assert "code 0" not in done or attempt == "kill -9 1", (attempt, done)
    assert await shell("echo still here") == "still here\n"


async def test_there_is_no_network(shell: Shell) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(text="reached")

    app = web.Application()
    app.router.add_get("/", handle)
    async with TestServer(app, host="0.0.0.0") as server:
        text = await shell(
            f"exec 3<>/dev/tcp/127.0.0.1/{server.port} && echo reached; cat /proc/net/dev | tail -n +3; "
            "getent hosts example.com; echo > /dev/udp/8.8.8.8/53 && echo sent"
        )
    assert "reached" not in text and "sent" not in text and "lo:" in text and "eth" not in text


async def test_links_out_of_the_workspace_lead_nowhere(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("home-secret")
    async with opened(hub, parameters=KEEPING) as shell:
        text = await shell(f"ln -s {tmp_path}/secret s; cat s; ln -s / r; ls r/root; cat ../../../..{tmp_path}/secret")
        assert "home-secret" not in text and "No such file" in text


async def test_time_is_limited_and_nothing_stays(hub: Hub) -> None:
    async with opened(hub, seconds=1.0) as shell:
        text = await shell("echo begun; (setsid sleep 98765 &) ; nohup sleep 98765 & sleep 98765")
        assert text.startswith("begun\n[the command was stopped: it took longer than 0.9")
        await gone("98765")


async def gone(words: str) -> None:
    for _ in range(500):
        if not running(words):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(running(words))


async def test_what_a_command_left_running_goes_with_it(shell: Shell) -> None:
    assert await shell("(setsid sleep 87654 > /dev/null 2>&1 &); sleep 76543 & echo done") == "done\n"
    await gone("87654")
    await gone("76543")


async def test_a_cancelled_call_leaves_nothing(shell: Shell) -> None:
    call = asyncio.create_task(shell("sleep 65432"))
    while not running("sleep 65432"):
        await asyncio.sleep(0.02)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await gone("65432")


async def test_a_hub_that_is_killed_leaves_nothing(shell: Shell) -> None:
    command = f"sleep 5{time.time_ns() % 10**9}"
    child = _starting(launch.box(shell.turn.hub.settings, shell.space.place.files), command)
    while not running(command, begin=True):
        await asyncio.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, child, 0)
    await gone(command)


def _starting(box: launch.Box, command: str) -> int:
    """A process that runs a command as the hub does, and waits."""
    child = os.fork()
    if child == 0:
        _, write = os.pipe()
        os.set_inheritable(write, True)
        arguments = launch.arguments(box, command, write, None)
        if os.fork() == 0:
            os.execve(arguments[0], arguments, {})
        time.sleep(60)
        os._exit(0)
    return child


LIMITS = {
    "python3 -c 'x = bytearray(300 << 20)'": "MemoryError",
    "for i in 1 2 3; do python3 -c 'import time; x = bytearray(60 << 20); time.sleep(9)' & done; wait":
        "[the command was stopped: it used more than 96 MB of memory]",
    "head -c 90M /dev/zero > /tmp/x": "No space left",
    "head -c 30M /dev/zero > /dev/shm/x": "No space left",
    ":(){ :|:& };: ; sleep 1": "fork",
    "for i in $(seq 60); do sleep 5 & done 2>&1; echo end": "Resource temporarily unavailable",
    "head -c 40M /dev/zero > big; sleep 2": "[the command was stopped: the workspace holds more than 5 MB",
    "for i in $(seq 80); do touch f$i; done; sleep 2": "holds more than 50 files and folders",
    "truncate -s 200M big; echo $?": "File size limit exceeded",
    "python3 -c 'found = [open(\"/dev/null\") for _ in range(300)]'": "Too many open files",
}  # fmt: skip


async def test_what_a_command_uses_is_limited(hub: Hub) -> None:
    async def tried(command: str) -> tuple[str, str]:
        async with opened(hub) as shell:
            return await shell(command), await shell("echo fine")

    found = await asyncio.gather(*(tried(command) for command in LIMITS))
    assert [words for words, (text, _) in zip(LIMITS.values(), found, strict=True) if words not in text] == []
    assert {after for _, after in found} == {"fine\n"}


async def test_output_is_cut(shell: Shell) -> None:
    text = await shell("yes é | head -n 100000")
    assert text == "é\n" * 2048 + "[the output is cut after 4,096 characters]"
    assert (await shell("printf '%4096s' x")).strip() == "x"
    assert "[the command was stopped: it took longer than 3 s]" in await shell("yes")


async def test_a_full_workspace_can_be_emptied(hub: Hub) -> None:
    async with opened(hub, parameters=KEEPING) as shell:
        assert "stopped" in await shell("head -c 9M /dev/zero > big; sleep 2")
        assert await shell("ls; sleep 1; rm big; ls") == "big\n"
        assert "stopped" in await shell("head -c 9M /dev/zero > big; sleep 2")


async def test_commands_at_the_same_time(shell: Shell) -> None:
    now = "date +%s%N"
    found = await asyncio.gather(*(
        shell(f"{now} > begun{n}; sleep 0.5; {now} > ended{n}; echo {n} > f{n}; echo {n}") for n in range(8)
    ))
    assert found == [f"{n}\n" for n in range(8)]
    begun, ended = [[int(t) for t in (await shell(f"cat {name}*")).split()] for name in ("begun", "ended")]
    assert sorted(begun)[1] < min(ended), "one began before another had ended"
    assert (await shell("cat f* | sort -n | tr '\\n' ' '")).strip() == "0 1 2 3 4 5 6 7"


async def test_files_stay_for_the_person_only_when_allowed(hub: Hub, tmp_path: Path) -> None:
    turn = await context(hub)
    for user, parameters, stays in (
        ("ana", KEEPING, True), (" ana ", KEEPING, True), (None, KEEPING, False), ("ana", {"enableBash": True}, False),
    ):
        async with opened(hub, user, parameters=parameters, account_id=turn.account_id) as shell:
            assert shell.space.kept is stays
            assert ("mine" in await shell("ls; echo x >> mine")) is (user == " ana ")
            assert await shell("cat mine") != ""
    async with opened(hub, "bob", parameters=KEEPING, account_id=turn.account_id) as shell:
        assert await shell("ls") == "[no output]"
    async with opened(hub, "ana", parameters=KEEPING) as shell:  # of another account
        assert await shell("ls") == "[no output]"
    assert os.listdir(tmp_path / "workspaces" / "turns") == []


async def test_a_turn_that_fails_leaves_no_files(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        async with opened(hub) as shell:
            await shell("mkdir -p a/b; touch a/b/c; chmod 000 a")
            raise RuntimeError
    assert os.listdir(tmp_path / "workspaces" / "turns") == []


async def test_what_is_no_command(shell: Shell) -> None:
    for command in ("", " \n", "x" * 32_001, "a\0b", "\ud800"):
        with pytest.raises(ToolFailed, match="command"):
            await shell(command)


async def test_without_a_sandbox_nothing_runs(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with opened(hub, parameters=KEEPING) as shell:
        broken = tmp_path / "bwrap"
        broken.write_text("#!/bin/sh\necho bwrap: no permissions to create a new namespace >&2; exit 1\n")
        broken.chmod(0o755)
        tmp_path.chmod(0o755)
        for path in (None, str(broken)):
            monkeypatch.setattr(launch, "bubblewrap", lambda path=path: path)
            with pytest.raises(ToolFailed, match="whoever runs it can ask `hub doctor`"):
                await shell("touch ran")
            assert "bubblewrap" in (await sandbox.check(hub.settings) or "")
        assert os.listdir(shell.space.place.files) == []
        monkeypatch.undo()
        assert await sandbox.check(hub.settings) is None


async def test_an_operator_can_switch_it_off(settings: Settings) -> None:
    async with open_hub(settings.changed(shell=False)) as hub, opened(hub) as shell:
        with pytest.raises(ToolFailed, match="switched off"):
            await shell("echo x")


def tool(name: str, run: Callable[[Context, Json], object] | None = None, reserved: bool = False) -> Tool:
    async def say(turn: Context, arguments: Json) -> Result:
        if run is not None:
            run(turn, arguments)
        return Result(f"{turn.external_user} asked {name} for {arguments}")

    return Tool(name, f"Searches things.\nSecond line of {name}: 50% more.", SCHEMA, say, reserved)


def test_which_tools_are_moved() -> None:
    tools = [tool("a"), tool("b"), tool("../c"), tool("read_skill", reserved=True), tool("shell", reserved=True)]

    def names(enabled: bool, listed: list[str], mode: str) -> tuple[list[str], list[str]]:
        options = {"toolList": listed, "toolExclusionMode": mode}
        direct, moved = arrange(tools, {"enableBash": enabled, "bashOptions": options})
        return [t.name for t in direct], [t.name for t in moved]

    every = [t.name for t in tools]
    assert names(True, ["b", "shell", "x", "../c"], "WhiteList") == (["a", "../c", "read_skill", "shell"], ["b"])
    assert names(True, ["b"], "BlackList") == (["b", "../c", "read_skill", "shell"], ["a"])
    assert names(True, [], "WhiteList") == (every, []) and names(False, ["b"], "WhiteList") == (every, [])
    assert [t.name for t in arrange(tools, {"enableBash": True})[0]] == every


async def test_moved_tools_are_commands(hub: Hub) -> None:
    async with opened(hub, "ana", tool("find"), tool("web.search-2")) as shell:
        text = await shell("web.search-2 --help")
        assert "Second line of web.search-2: 50% more." in text
        assert "What to look for, 100% literal." in " ".join(text.split())
        for option in ("--query TEXT", "--max-results NUMBER", "--exact", "--tags TEXT", "--arg-help", "(required)"):
            assert option in text, option
        assert 'One of: "new", "old"' in text
        text = await shell("find --query 'a b; $x' --max-results 3 --exact --tags one --tags=two --more '{\"k\": [1]}'")
        assert text.startswith("ana asked find for ")
        assert shell.ran == [
            ("find", {"query": "a b; $x", "max_results": 3, "exact": True, "tags": ["one", "two"], "more": {"k": [1]}})
        ]
        await shell("find --max_results=1 --exact false --query=--x --arg-help h | wc -c")
        await shell("echo '{\"query\": \"piped\", \"order\": \"new\"}' | find --json-arguments - --exact")
        assert shell.ran[1:] == [
            ("find", {"query": "--x", "max_results": 1, "exact": False, "help": "h"}),
            ("find", {"query": "piped", "order": "new", "exact": True}),
        ]


WRONG = [
    ("find", "'query' is a required property"),
    ("find --query x --max-results many", "--max_results must be integer, written as JSON"),
    ("find --query x --max-results 0", "max_results: 0 is less than the minimum of 1"),
    ("find --query x --order best", "order: 'best' is not one of"),
    ("find --query x --unknown y", "unrecognized arguments: --unknown y"),
    ("find --json-arguments '[1]'", "--json-arguments must be a JSON object"),
    ("echo nonsense | python3 -c 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(\"/run/hub/s\"); "
     "s.sendall(b\"{}\\n\"); print(s.recv(999))'", "cannot be understood"),
    ("echo x > /opt/hub/bin/find", "Read-only file system"),
]


async def test_a_command_checks_what_it_is_given(hub: Hub) -> None:
    async with opened(hub, "ana", tool("find")) as shell:
        found = await asyncio.gather(*(shell(command) for command, _ in WRONG))
        assert [text for text, (_, words) in zip(found, WRONG, strict=True) if words not in text] == []
        assert shell.ran == []


async def test_a_tool_that_fails_is_a_command_that_fails(hub: Hub) -> None:
    def fail(*_: object) -> None:
        raise ToolFailed("The shop is closed.")

    async with opened(hub, "ana", tool("find", fail)) as shell:
        assert await shell("find --query x > out; cat out") == "The shop is closed.\n"
        assert await shell("find --query x || echo failed") == "The shop is closed.\nfailed\n"


async def test_a_command_calls_not_without_end(hub: Hub) -> None:
    patient = hub.settings.changed(shell_seconds=60.0)
    async with open_hub(patient) as other, opened(other, "ana", tool("find")) as shell:
        text = await shell(
            "python3 - <<'END'\nimport json, socket\nfor n in range(103):\n    s = socket.socket(socket.AF_UNIX)\n"
            "    s.connect('/run/hub/s')\n    asked = {'name': 'find', 'arguments': {'query': 'x'}}\n"
            "    s.sendall(json.dumps(asked).encode() + b'\\n')\n    last = s.recv(999)\nprint(last)\nEND"
        )
        assert "at most 100 tools" in text and len(shell.ran) == 100


async def test_calls_end_with_their_command(hub: Hub) -> None:
    ended = asyncio.Event()

    async def slow(_: Context, __: Json) -> Result:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return Result("")

    async with opened(hub, "ana", Tool("slow", "Slow.", {"type": "object"}, slow), seconds=1.5) as shell:
        assert "stopped" in await shell("slow")
        assert ended.is_set()
