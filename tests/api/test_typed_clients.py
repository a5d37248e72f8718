"""Clients that are made of the hub's document, for TypeScript and Python: they have every operation, they compile, and
they talk to a hub."""

import shutil
import sys
from pathlib import Path

import orjson
import pytest

from tests.api.conftest import Api
from tests.api.test_node_client import ran
from tests.clients.install import TYPED, packages
from tests.contract.documents import document

FOLDER = Path(__file__).parents[1] / "node" / "typed"


@pytest.fixture
def made_of(tmp_path: Path) -> Path:
    for file in FOLDER.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    (tmp_path / "openapi.json").write_bytes(orjson.dumps(document()))
    return tmp_path


@pytest.mark.timeout(280)
async def test_a_typescript_client_compiles_and_talks(api: Api, made_of: Path) -> None:
    packages(TYPED, made_of)
    bin = made_of / "node_modules" / ".bin"
    await ran(
        str(bin / "openapi-typescript"), "openapi.json", "-o", "hub.d.ts", "--default-non-nullable=false",
        folder=made_of,
    )
    await ran(str(bin / "tsc"), "-p", ".", folder=made_of)
    found = orjson.loads(await ran("node", "made/talk.js", api.url, api.key, folder=made_of))
    assert found["talk"].split("/chat/")[1] and found["target"] == 10
    assert (found["status"], found["code"]) == (404, "not_found")


@pytest.mark.timeout(180)
async def test_a_python_client_has_every_operation_and_talks(api: Api, made_of: Path) -> None:
    generator = str(Path(sys.executable).with_name("openapi-python-client"))
    await ran(
        generator, "generate", "--path", "openapi.json", "--output-path", "client", "--meta", "none", folder=made_of
    )
    made = [p for p in (made_of / "client/api").rglob("*.py") if p.name != "__init__.py"]
    assert len(made) == sum(len(methods) for methods in document()["paths"].values())
    await ran(sys.executable, "-m", "compileall", "-q", "client", folder=made_of)
    found = orjson.loads(await ran(sys.executable, "talk.py", api.url, api.key, folder=made_of))
    assert found["made"] and "Typed" in found["listed"] and found["target"] == 10
    assert (found["status"], found["code"]) == (404, "not_found")
