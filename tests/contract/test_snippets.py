"""The programs that the ARES document prints, run against a hub: only the address and the token are put in.

(The printed text has lost the indentation of one of them; it is given back.)
"""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.contract.asking import Contract
from tests.fakes.model import says

pytestmark = pytest.mark.asyncio(loop_scope="module")
FOLDER = Path(__file__).parent / "snippets"
ADDRESS, TOKEN = "http://localhost:3000", "eyJhbGciOi..."
LANGUAGES = pytest.mark.parametrize("ending", ["py", "mjs"])


async def ran(api: Contract, name: str, token: str, folder: Path) -> str:
    """What the program prints."""
    if name.endswith("mjs") and not shutil.which("node"):
        if os.environ.get("CI") == "true":
            pytest.fail("Node.js is missing; install it (Debian: apt-get install nodejs).")
        pytest.skip("Node.js is missing")
    printed = (FOLDER / f"{name}.txt").read_text()
    assert ADDRESS in printed and TOKEN in printed
    (folder / name).write_text(printed.replace(ADDRESS, api.url).replace(TOKEN, token))
    program = "node" if name.endswith("mjs") else sys.executable
    process = await asyncio.create_subprocess_exec(
        program, name, cwd=folder, env={**os.environ, "NO_PROXY": "127.0.0.1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-2000:]
    return out.decode()


@LANGUAGES
async def test_a_message_and_one_that_goes_on(api: Contract, tmp_path: Path, ending: str) -> None:
    await api.modelled()
    token = await api.user()
    # The second message names no agent: a model chooses one.
    api.model.plan.extend([says("Basic and Pro."), says("product"), says("Pro has more.")])
    assert (await ran(api, f"chat.{ending}", token, tmp_path)).strip() == "Basic and Pro."
    [kept] = await api.good("R-03", key=token)
    said = (await api.good("R-04", kept["id"], key=token))["messages"]
    assert [m["content"] for m in said] == [
        "What pricing plans do you offer?", "Basic and Pro.", "How does the Pro plan compare to Enterprise?",
        "Pro has more.",
    ]


@LANGUAGES
async def test_a_stream(api: Contract, tmp_path: Path, ending: str) -> None:
    await api.modelled()
    token = await api.user()
    api.model.plan.append(says("Quantum bits", " are", " both."))
    assert await ran(api, f"stream.{ending}", token, tmp_path) == "Quantum bits are both."
    # Simple readers lose line breaks, and nothing else.
    api.model.plan.append(says("One\n", "two\nthree", "\r\n\n four é"))
    assert await ran(api, f"stream.{ending}", token, tmp_path) == "Onetwothree four é"
