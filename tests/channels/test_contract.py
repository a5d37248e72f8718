"""Our own adapters pass what other packages' adapters must pass; a package adds a network without touching the hub."""

import os
import subprocess
import sys
from pathlib import Path

from channels.contract import at, pytest_generate_tests  # noqa: F401 - the fixture, and each case for each network
from channels.contract.cases import *  # noqa: F403 - the cases themselves
from channels.plug import Plug
from channels.registry import usable
from channels.webhook import Webhook

TOP = Path(__file__).resolve().parents[2]
PAGER = '''
"""A network of another package."""
from channels.contract.ours import OURS
from channels.contract.sample import Sample
from channels.webhook import Webhook

class Pager(Webhook):
    name, title, kind, target = "pager", "Pager", "Pager", "Pager_Net"

    @staticmethod
    def sample():
        one = OURS["webhook"]
        return Sample("pager", one.chat, lambda t, _: Pager(t), one.link, one.hook, one.answers)

class Taken(Pager):
    name = "telegram"
'''
POINTS = "[hub.channels]\nabsent = nothing_there:X\nbroken = broken_net:X\npager = pager_net:Pager\ntaken = pager_net:Taken\n"
LOOK = """
from channels.registry import plugs
from hub.api.aivax.schemas.integrations import IntegrationsIn
from hub.chat.clients.networks import NAMES, SECRETS, TYPES
from hub.console.channels import FIELDS
from hub.tools.schedule.targets import TARGETS
assert [p.name for p in plugs()] == ["pager"], plugs()
sent = {"integrationType": "Pager", "integrations": {"pagerIntegration": {"url": "https://a.example", "secret": "s" * 16}}}
given = IntegrationsIn.model_validate(sent).given()
assert given.channel == "pager" and given.settings["secret"] == "s" * 16
assert TYPES["Pager"] == "pager" and NAMES["pager"] == "Pager" and SECRETS["pager"] == ("secret",)
assert TARGETS["pager"] == "Pager_Net" and [f[0] for f in FIELDS["pager"]] == ["url", "secret"]
assert set(NAMES) >= {"telegram", "zapi", "evolution", "kapso", "cloud", "webhook"}
"""


def run(folder: Path, *arguments: str) -> str:
    path = os.pathsep.join((str(folder), str(TOP)))
    ended = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": ""}, cwd=folder, capture_output=True, text=True,
        timeout=120, check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_a_package_adds_a_network(tmp_path: Path) -> None:
    """Its class is all there is of it; what cannot be loaded, or takes another's name, keeps nobody out."""
    (tmp_path / "pager_net.py").write_text(PAGER)
    (tmp_path / "broken_net.py").write_text("raise RuntimeError('broken')")
    dist = tmp_path / "pager_net-1.0.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: pager-net\nVersion: 1.0\n")
    (dist / "entry_points.txt").write_text(POINTS)
    run(tmp_path, "-c", LOOK)
    told = run(
        tmp_path, "-m", "pytest", "-p", "channels.contract", "--channel", "pager", "--pyargs", "channels.contract.cases", "-q",
        "-p", "no:cacheprovider", "-p", "no:randomly", "-o", "asyncio_mode=auto",
    )
    passed = int(told.rpartition(" passed")[0].rpartition("\n")[2].split()[-1])
    assert passed >= 60, told


def test_what_is_no_network() -> None:
    class Unfinished(Plug):
        name, title, kind, target = "pager", "Pager", "Pager", "Pager"

    assert usable(Webhook) is not None, "the name is taken"
    assert "received and sent" in str(usable(Unfinished)) and usable(object()) and usable(dict)
    for name in ("", "Pager", "a b", "telegram", "web", "x" * 40):
        assert usable(type("Other", (Webhook,), {"name": name})) is not None, name
    assert usable(type("Other", (Webhook,), {"name": "pager", "kind": "no kind"})) is not None
    assert usable(type("Other", (Webhook,), {"name": "pager"})) is None


def test_the_tutorial_s_network_is_as_short_as_it_says() -> None:
    """What the README tells a newcomer to write: one class, in fewer lines than it promises, that needs nothing else of ours."""
    readme = (TOP / "channels" / "README.md").read_text()
    source = (TOP / "channels" / "webhook.py").read_text()
    assert "in under 120 lines" in readme and len(source.splitlines()) < 120
    imports = {line.split()[1] for line in source.splitlines() if line.startswith("from channels")}
    assert imports <= {"channels", "channels.base", "channels.http", "channels.loose", "channels.plug"}, imports
    assert all(step in readme for step in ("hub.channels", "sample()", "--channel pager", "channels.contract.cases"))
