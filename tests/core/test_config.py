"""Settings: every variable is read once, whole, and refused by its name."""

from pathlib import Path

import pytest

from hub.config import Settings, load
from hub.errors import Setup

SECRETS = ("database_url", "redis_url", "sealing_key")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HUB_{name.upper()}", raising=False)
        monkeypatch.delenv(f"HUB_{name.upper()}_FILE", raising=False)


def test_variables_are_read_and_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_PORT", "9000")
    monkeypatch.setenv("HUB_WORKERS", "3")
    found = load(port=9001, workers=None)
    assert (found.port, found.workers) == (9001, 3)


def test_a_mounted_file_gives_the_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("  s3cret\n", encoding="utf-8")
    monkeypatch.setenv("HUB_SEALING_KEY_FILE", str(tmp_path / "key"))
    assert load().sealing_key.get_secret_value() == "s3cret"


def test_a_mounted_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "binary"):
        monkeypatch.setenv("HUB_DATABASE_URL_FILE", str(path))
        with pytest.raises(Setup, match="HUB_DATABASE_URL_FILE cannot be read"):
            load()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("HUB_PUBLIK_URL", "did you mean HUB_PUBLIC_URL?"),
        ("HUB_DATABASEURL", "did you mean HUB_DATABASE_URL?"),
        ("HUB_FROBNICATE", "deploy/.env.example lists all there are."),
        ("HUB_CRASH_AT", "deploy/.env.example lists all there are."),
    ],
)
def test_a_setting_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(Setup, match=f"^{name} is no setting of the hub; ") as caught:
        load()
    assert str(caught.value).endswith(words)


def test_what_kubernetes_puts_beside_them_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HUB_SERVICE_HOST", "HUB_SERVICE_PORT_HTTP", "HUB_PORT_8080_TCP", "HUB_PORT_8080_TCP_ADDR"):
        monkeypatch.setenv(name, "10.0.0.1")
    assert load().port == 8080


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "http"),
        ("port", "70000"),
        ("port", "-1"),
        ("workers", "0"),
        ("pool_size", "1"),
        ("jobs", "many"),
        ("log_level", "loud"),
        ("log_json", "perhaps"),
        ("public_url", "hub.example"),
        ("public_url", "https://"),
        ("public_url", "https://:8443"),
        ("public_url", "https://hub.example:port"),
        ("public_url", "https://hub.example/?a=b"),
        ("search_url", "http://se arch"),
        ("telegram_api_url", "ftp://x"),
        ("lease_seconds", "0"),
        ("turn_seconds", "nan"),
        ("turn_seconds", "901"),
        ("sweep_seconds", "0"),
        ("upload_limit_mb", "0"),
        ("billing", "2"),
        ("metrics_port", "65536"),
    ],
)
def test_a_wrong_value_is_refused_by_the_variable_s_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"HUB_{name.upper()}", value)
    with pytest.raises(Setup, match=f"^HUB_{name.upper()} is not valid: [^\n]+\\.$"):
        load()


def test_no_secret_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(f"HUB_{name.upper()}", f"planted-{name}")
    found = load()
    shown = f"{found!r} {found!s} {found.model_dump()} {found.model_dump_json()}"
    assert "planted" not in shown
    assert found.database_url.get_secret_value() == "planted-database_url"


def test_secrets_have_no_default() -> None:
    assert [getattr(load(), name).get_secret_value() for name in SECRETS] == ["", "", ""]
    assert load().embedded == (True, True)


def test_settings_do_not_change_but_copies_do() -> None:
    found = load()
    with pytest.raises(ValueError, match="frozen"):
        found.port = 1
    assert found.changed(port=1).port == 1 and found.port == 8080
    with pytest.raises(ValueError, match="port"):
        found.changed(port=-1)


def test_the_public_address_has_no_slash_at_its_end() -> None:
    assert load(public_url="https://hub.example/").address == "https://hub.example"
    assert load(host="0.0.0.0", port=81).address == "http://0.0.0.0:81"


def test_every_setting_says_what_it_is_for() -> None:
    assert [
        n for n, f in Settings.model_fields.items() if not (f.description or "").endswith(".")
    ] == []
