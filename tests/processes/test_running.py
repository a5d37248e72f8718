"""How another command finds the twins of a hub that runs in the same home."""

import socket
from pathlib import Path

import pytest

from hub.config import Settings
from hub.processes.doctor import _public
from hub.processes.embedded import free_port
from hub.processes.running import TWINS, twins_noted, twins_of, with_twins


def test_twins_are_known_while_they_run(tmp_path: Path) -> None:
    assert twins_of(tmp_path) is None
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with twins_noted(tmp_path, "127.0.0.1", port):
            assert twins_of(tmp_path) == ("127.0.0.1", port)
            found = _public(Settings(home=tmp_path))
            assert found.state == "ok" and f"http://127.0.0.1:{port}/phone" in found.what
        assert twins_of(tmp_path) is None
    assert _public(Settings(home=tmp_path)).state == "warn"


@pytest.mark.parametrize("left", ["", "{", "[]", '{"host": "127.0.0.1"}', '{"host": "127.0.0.1", "port": "x"}', None])
def test_a_note_of_a_hub_that_was_killed_is_not_believed(tmp_path: Path, left: str | None) -> None:
    note = left if left is not None else f'{{"host": "127.0.0.1", "port": {free_port()}}}'
    (tmp_path / TWINS).write_text(note)
    assert twins_of(tmp_path) is None


def test_settings_with_twins_ask_them_alone() -> None:
    found = with_twins(Settings(outbound_allow="10.0.0.0/8"), "127.0.0.1", 8090)
    assert {found.telegram_api_url, found.zapi_api_url, found.kapso_api_url} == {
        "http://127.0.0.1:8090/telegram", "http://127.0.0.1:8090/zapi", "http://127.0.0.1:8090/kapso",
    }
    assert found.outbound_allow == "10.0.0.0/8,127.0.0.1:8090"
