"""Settings: every environment variable, read once."""

import difflib
import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub.errors import Setup

# The name that every program with traces reads.
OTEL = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Settings(BaseSettings):
    """All settings. `HUB_X_FILE` reads the value of `HUB_X` from a mounted file."""

    model_config = SettingsConfigDict(env_prefix="HUB_", frozen=True, extra="ignore")

    home: Annotated[Path, Field(description="Folder of the embedded servers, keys and files.")] = Path("hub-home")
    backups: Annotated[
        str, Field(description="Folder of backups and of the list of erasures; empty: `backups` in the home folder.")
    ] = ""
    backup_passphrase: Annotated[
        SecretStr, Field(description="Passphrase that backups are sealed with, and opened; empty: they are not sealed.")
    ] = SecretStr("")
    backup_recipient: Annotated[
        str, Field(description="Public key (age1...) that backups are sealed for; `hub backup --new-key` makes a pair.")
    ] = ""
    backup_identity: Annotated[
        SecretStr, Field(description="Secret key (AGE-SECRET-KEY-1...) that opens them; only where one is restored.")
    ] = SecretStr("")
    backup_at: Annotated[
        str, Field(description="Time of day in UTC (03:30) of a backup and the rehearsal of its restore; empty: never.")
    ] = ""
    backups_keep: Annotated[int, Field(ge=1, le=1000, description="Newest backups that stay in the folder.")] = 7
    disk_reserve_mb: Annotated[
        int, Field(ge=0, description="Megabytes that stay free: with fewer nothing new is taken; 0: until it fails.")
    ] = 512
    database_mb: Annotated[
        int, Field(ge=0, description="Megabytes the database may have before nothing new is taken; 0: no limit.")
    ] = 0
    files_url: Annotated[
        str, Field(description="Storage of large files, s3://bucket/prefix?endpoint=https://...; empty: PostgreSQL.")
    ] = ""
    files_key: Annotated[str, Field(description="Access key of that storage; empty: as AWS's own tools find one.")] = ""
    files_secret: Annotated[SecretStr, Field(description="Secret of that access key.")] = SecretStr("")
    personal_keys: Annotated[
        str,
        Field(description="Folder of people's own keys, shared by every process; empty: their words are not sealed."),
    ] = ""
    wal_archive: Annotated[
        str, Field(description="Folder for the embedded PostgreSQL's log, for `hub restore --at`; empty: none.")
    ] = ""
    host: Annotated[str, Field(description="Address the web process listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port of the web process.")] = 8080
    workers: Annotated[int, Field(ge=1, le=64, description="Worker processes started by `hub up`.")] = 1
    public_url: Annotated[str, Field(description="Address others reach the hub at; empty: http://host:port.")] = ""
    hosted_url: Annotated[
        str, Field(description="Address of a host of its own for pages that tools made; empty: only within a frame.")
    ] = ""
    database_url: Annotated[SecretStr, Field(description="PostgreSQL 15+ with pgvector; empty: embedded.")] = SecretStr(
        ""
    )
    owner_url: Annotated[
        SecretStr,
        Field(description="PostgreSQL as the owner of the tables, for `hub migrate`; empty: HUB_DATABASE_URL."),
    ] = SecretStr("")
    redis_url: Annotated[SecretStr, Field(description="Valkey or Redis 7+; empty: embedded.")] = SecretStr("")
    sealing_key: Annotated[SecretStr, Field(description="32 bytes in base64; encrypts provider secrets.")] = SecretStr(
        ""
    )
    pool_size: Annotated[int, Field(ge=2, le=200, description="PostgreSQL connections of one process.")] = 10
    jobs: Annotated[int, Field(ge=1, le=1000, description="Turns one worker runs at the same time.")] = 100
    queue: Annotated[str, Field(description="Prefix of all keys in Redis.")] = "hub"
    limits_unasked: Annotated[
        Literal["local", "open", "closed"],
        Field(description="Limits while Redis is away: by process (local), none (open), refuse (closed)."),
    ] = "local"
    telegram_api_url: Annotated[str, Field(description="Base address of the Telegram Bot API.")] = (
        "https://api.telegram.org"
    )
    zapi_api_url: Annotated[str, Field(description="Base address of Z-API.")] = "https://api.z-api.io"
    kapso_api_url: Annotated[str, Field(description="Base address of Kapso.")] = "https://api.kapso.ai"
    meta_api_url: Annotated[
        str, Field(description="Base address of Meta's Graph API, with its version.")
    ] = "https://graph.facebook.com/v24.0"
    outbound_allow: Annotated[
        str, Field(description="Private hosts or networks the guarded client may reach, comma separated.")
    ] = ""
    trusted_proxies: Annotated[
        str, Field(description="Networks whose X-Forwarded-For is believed, comma separated.")
    ] = ""
    metrics_port: Annotated[int, Field(ge=0, le=65535, description="Port of /metrics; 0: off.")] = 0
    metrics_models: Annotated[
        str, Field(description="Models of customers' own providers that /metrics tells apart by name, comma separated.")
    ] = ""
    otel_endpoint: Annotated[
        str, Field(description="OTLP/HTTP collector of traces, as OTEL_EXPORTER_OTLP_ENDPOINT says too; empty: none.")
    ] = ""
    otel_content: Annotated[bool, Field(description="Whether traces hold the texts of messages and answers.")] = False
    log_level: Annotated[str, Field(description="debug, info, warning or error.")] = "info"
    log_json: Annotated[bool, Field(description="Log as JSON lines.")] = False
    lease_seconds: Annotated[
        float, Field(ge=1, le=600, description="How long a worker owns a turn unless it renews.")
    ] = 30.0
    drain_seconds: Annotated[
        float, Field(ge=0, le=3600, description="How long a stopped worker may finish turns; the rest is handed back.")
    ] = 25.0
    turn_seconds: Annotated[float, Field(ge=1, le=900, description="Deadline of one turn, model retries included.")] = (
        60.0
    )
    model_patience_seconds: Annotated[
        float, Field(ge=0, le=3600, description="How long contacts wait for a model that is away, before an apology.")
    ] = 300.0
    late_answer_seconds: Annotated[
        float, Field(ge=0, le=86_400, description="How long after the apology the answer still comes; 0: it does not.")
    ] = 21_600.0
    model_first_seconds: Annotated[
        float, Field(ge=0.1, le=3600, description="How long a model provider may take for the first word.")
    ] = 120.0
    model_silence_seconds: Annotated[
        float, Field(ge=0.1, le=3600, description="How long a model provider may be silent within an answer.")
    ] = 120.0
    model_seconds: Annotated[
        float, Field(ge=1, le=3600, description="Deadline of one answer of the API, all its tools included.")
    ] = 600.0
    answer_cache_mb: Annotated[
        int, Field(ge=0, le=100_000, description="Megabytes of answers that are remembered of one account.")
    ] = 64
    wire_seconds: Annotated[float, Field(ge=0.5, le=120, description="Time limit of one send to a provider.")] = 15.0
    reconcile_seconds: Annotated[
        float, Field(ge=1, le=3600, description="How long an unknown send waits for its echo.")
    ] = 120.0
    placeholder_seconds: Annotated[
        float, Field(ge=0, le=86_400, description="Age of a placeholder left standing when it is removed; 0: never.")
    ] = 120.0
    max_debounce_wait: Annotated[
        float, Field(ge=1, le=3600, description="Longest wait of the debounce, in seconds.")
    ] = 60.0
    index_step_pieces: Annotated[
        int, Field(ge=1, le=1000, description="Pieces of documents that are indexed before it is another one's turn.")
    ] = 16
    index_step_seconds: Annotated[
        float, Field(ge=1, le=600, description="Time limit of one such step; five in a row give the document up.")
    ] = 60.0
    sweep_seconds: Annotated[
        float, Field(ge=0.05, le=60, description="How often a worker looks for work nobody rang for.")
    ] = 0.5
    fallback_text: Annotated[str, Field(description="Said without an answer; empty: in the contact's language.")] = ""
    upload_limit_mb: Annotated[int, Field(ge=1, le=500, description="Largest attachment of the web chat.")] = 20
    bodies_mb: Annotated[
        int, Field(ge=16, le=65_536, description="Megabytes of bodies a web process takes in at once; more gets 503.")
    ] = 512
    header_seconds: Annotated[
        float, Field(ge=0.5, le=600, description="How long the headers of a request may take to arrive.")
    ] = 10.0
    body_seconds: Annotated[
        float, Field(ge=0.5, le=3600, description="How long a body may take, plus a second for each 32 kB of it.")
    ] = 30.0
    waiting_calls: Annotated[int, Field(ge=100, description="Webhook calls of an integration that may wait.")] = 100_000
    waiting_seconds: Annotated[float, Field(ge=1, description="How long the first of a crowd may; more get 503.")] = 60
    idle_seconds: Annotated[
        float, Field(ge=1, le=3600, description="How long a connection may be idle between two requests.")
    ] = 75.0
    guest_session_mb: Annotated[
        int, Field(ge=0, description="Megabytes of files that guests may upload in one conversation; 0: no limit.")
    ] = 200
    guest_day_mb: Annotated[
        int, Field(ge=0, description="Megabytes of files that all guests of an account may upload a day; 0: no limit.")
    ] = 5000
    shell: Annotated[bool, Field(description="Let gateways with enableBash run commands in the sandbox.")] = True
    shell_seconds: Annotated[float, Field(ge=1, le=300, description="Longest time of one shell command.")] = 30.0
    shell_output: Annotated[
        int, Field(ge=256, le=100_000, description="Characters of a shell command's output that the model sees.")
    ] = 4096
    shell_memory_mb: Annotated[int, Field(ge=64, le=65_536, description="Memory of one shell command.")] = 512
    shell_processes: Annotated[int, Field(ge=8, le=4096, description="Processes of one shell command.")] = 64
    shell_workspace_mb: Annotated[int, Field(ge=1, le=1_000_000, description="Size of one shell workspace.")] = 512
    shell_workspace_files: Annotated[
        int, Field(ge=10, le=1_000_000, description="Files and folders of one shell workspace.")
    ] = 10_000
    billing: Annotated[bool, Field(description="Refuse inference with 402 when the balance is used up.")] = False
    catalogue: Annotated[
        str, Field(description="TOML file of models behind @vendor/model names; empty: the packaged.")
    ] = ""
    model_keys: Annotated[
        SecretStr, Field(description="Keys of the catalogue's providers: openai=sk-...,google=...")
    ] = SecretStr("")
    helper_model: Annotated[
        str, Field(description="Model that routes, rewrites, moderates, describes; empty: the gateway's own.")
    ] = ""
    tool_calls: Annotated[int, Field(ge=0, le=1000, description="Tool calls of one turn.")] = 24
    turn_tokens: Annotated[int, Field(ge=0, description="Tokens one turn may use; 0: no limit.")] = 0
    turn_cost: Annotated[float, Field(ge=0, description="Dollars one turn may cost; 0: no limit.")] = 0.0
    requests_per_minute: Annotated[
        int, Field(ge=0, description="Inference requests per minute and key; 0: no limit.")
    ] = 0
    response_days: Annotated[
        int, Field(ge=1, le=3650, description="Days that answers of /v1/responses are kept, to be gone on from.")
    ] = 30
    usage_days: Annotated[int, Field(ge=40, le=3650, description="Days of usage in detail; older is summed up.")] = 400
    workflow_run_days: Annotated[int, Field(ge=1, le=3650, description="Days that ended runs of workflows stay.")] = 180
    key_limits_alone: Annotated[
        bool, Field(description="Without Valkey each process counts a key's requests and tokens alone; else 503.")
    ] = True
    public_per_minute: Annotated[
        int, Field(ge=0, description="POSTs per minute and access key to public chats; 0: no limit.")
    ] = 120
    public_per_address: Annotated[
        int, Field(ge=0, description="POSTs per minute and address to all public chats; 0: no limit.")
    ] = 3000
    guests_per_address: Annotated[
        int, Field(ge=0, description="Conversations that one address may begin a minute; 0: no limit.")
    ] = 120
    ares_per_minute: Annotated[int, Field(ge=0, description="ARES requests per minute and user; 0: no limit.")] = 120
    ares_account: Annotated[
        str, Field(description="Id of the account whose users sign in to ARES; empty: the first.")
    ] = ""
    ares_registration: Annotated[bool, Field(description="Let anyone register at /api/auth/register.")] = False
    ares_registrations_per_day: Annotated[
        int, Field(ge=0, description="Users that may register themselves a day; 0: no limit.")
    ] = 200
    ares_registered_budget: Annotated[
        float, Field(ge=0, description="Dollars a day that all users who registered themselves may cost; 0: no limit.")
    ] = 5.0
    oidc_providers: Annotated[
        str, Field(description="Identity providers of the console, name=issuer: google=https://accounts.google.com,...")
    ] = ""
    oidc_clients: Annotated[
        str, Field(description="Our client ids at them, by the same names: google=123.apps,...")
    ] = ""
    oidc_secrets: Annotated[
        SecretStr, Field(description="The secrets of these clients, by the same names.")
    ] = SecretStr("")
    oidc_trust_email: Annotated[
        str, Field(description="Names of providers whose e-mail addresses are proved even if they do not say so.")
    ] = ""
    aresgen_per_minute: Annotated[
        int, Field(ge=0, description="AresGen requests per minute and key; 0: no limit.")
    ] = 600
    region: Annotated[
        Literal["", "eu", "us"], Field(description="Region label of the AresGen API: eu, us or empty.")
    ] = ""
    studio_model: Annotated[
        str, Field(description="Model of documents, chatbots and workflows that name none; empty: the oldest gateway.")
    ] = ""
    characters_free: Annotated[
        int, Field(ge=0, description="Characters requests per minute of accounts with the plan free; 0: no limit.")
    ] = 5
    characters_pro: Annotated[
        int, Field(ge=0, description="Characters requests per minute of other accounts; 0: no limit.")
    ] = 100
    twins_port: Annotated[int, Field(ge=0, le=65535, description="Port of the provider twins (`hub up --twins`).")] = (
        8090
    )
    search_url: Annotated[str, Field(description="SearXNG that web_search asks; empty: no web search.")] = ""
    x_search_url: Annotated[
        str, Field(description="Service that search_x_posts asks (deploy/README.md); empty: none.")
    ] = ""
    x_search_key: Annotated[SecretStr, Field(description="Bearer key of that service.")] = SecretStr("")
    research_url: Annotated[
        str, Field(description="OpenAI-compatible service of advanced_web_search; empty: none.")
    ] = ""
    research_key: Annotated[SecretStr, Field(description="Key of that service.")] = SecretStr("")
    research_model: Annotated[str, Field(description="Model that does the research.")] = ""
    image_url: Annotated[str, Field(description="OpenAI-compatible service of generate_image; empty: none.")] = ""
    image_key: Annotated[SecretStr, Field(description="Key of that service.")] = SecretStr("")
    image_model: Annotated[str, Field(description="Model of images where a gateway names none.")] = "gpt-image-1"
    image_price: Annotated[float, Field(ge=0, description="Dollars an image of that service costs an account.")] = 0.0
    speech_url: Annotated[
        str, Field(description="OpenAI-compatible service of audio answers (Gpt4oTts); empty: none.")
    ] = ""
    speech_key: Annotated[SecretStr, Field(description="Key of that service.")] = SecretStr("")
    speech_model: Annotated[str, Field(description="Model that speaks.")] = "gpt-4o-mini-tts"
    speech_price: Annotated[
        float, Field(ge=0, description="Dollars a thousand characters of audio answers cost an account.")
    ] = 0.0
    transcription_url: Annotated[
        str, Field(description="OpenAI-compatible service of /v1/audio/transcriptions; empty: a model that hears.")
    ] = ""
    transcription_key: Annotated[SecretStr, Field(description="Key of that service.")] = SecretStr("")
    transcription_model: Annotated[str, Field(description="Model that listens.")] = "whisper-1"
    transcription_price: Annotated[float, Field(ge=0, description="Dollars that a recording costs an account.")] = 0.0
    ocr: Annotated[bool, Field(description="Read scans and pictures of text where chathub[ocr] is installed.")] = True
    smtp_url: Annotated[
        SecretStr, Field(description="Mail server: smtps://user:password@host:465?from=hub@example.com; empty: none.")
    ] = SecretStr("")
    eleven_url: Annotated[str, Field(description="Base address of ElevenLabs.")] = "https://api.elevenlabs.io"
    eleven_key: Annotated[SecretStr, Field(description="Key of ElevenLabs, for audio answers; empty: none.")] = (
        SecretStr("")
    )

    @field_validator(
        "public_url", "hosted_url", "telegram_api_url", "zapi_api_url", "kapso_api_url", "meta_api_url", "search_url",
        "x_search_url", "research_url", "image_url", "speech_url", "transcription_url", "eleven_url", "otel_endpoint",
    )
    @classmethod
    def _address(cls, value: str) -> str:
        if not value:
            return value
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or any(c.isspace() for c in value) or parts.query or parts.fragment:
            raise ValueError("must be an address such as https://hub.example.com")
        return value.rstrip("/")

    @field_validator("oidc_providers", "oidc_clients")
    @classmethod
    def _pairs(cls, value: str) -> str:
        for item in filter(None, (i.strip() for i in value.split(","))):
            name, equals, what = item.partition("=")
            if not equals or not re.fullmatch(r"[\w-]{1,30}", name.strip()) or not what.strip():
                raise ValueError("must be name=value, several of them with commas between")
        return value

    @field_validator("ares_account")
    @classmethod
    def _id(cls, value: str) -> str:
        try:
            return str(UUID(value)) if value else value
        except ValueError:
            raise ValueError("must be the id of an account (a UUID)") from None

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for item in filter(None, (i.strip() for i in value.split(","))):
            try:
                ipaddress.ip_network(item, strict=False)
            except ValueError:
                raise ValueError(f"'{item}' is not a network such as 10.0.0.0/8") from None
        return value

    @field_validator("backup_at")
    @classmethod
    def _time_of_day(cls, value: str) -> str:
        if value and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise ValueError("must be a time of day such as 03:30")
        return value

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.lower() not in ("debug", "info", "warning", "error"):
            raise ValueError("must be debug, info, warning or error")
        return value.lower()

    @property
    def address(self) -> str:
        """The address used in webhook and talk URLs."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def backups_folder(self) -> Path:
        """Where backups are, and beside them the list of erasures."""
        return Path(self.backups) if self.backups else self.home / "backups"

    @property
    def embedded(self) -> tuple[bool, bool]:
        """Whether PostgreSQL and Valkey are ours to start."""
        return not self.database_url.get_secret_value(), not self.redis_url.get_secret_value()

    def changed(self, **values: Any) -> Self:
        """A copy with other values, validated; the environment, which was read already, is not asked again."""
        BaseModel.__init__(made := type(self).__new__(type(self)), **{**dict(self), **values})
        return made


def wait_without_spinning() -> None:
    """Before the embedding engine is loaded: its threads (libgomp) sleep when they wait for each other.

    Spinning costs four times the processor beside others, and is slower even so. Somebody's own policy is kept."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def load(**given: Any) -> Settings:
    """Read the environment; `given` (not None) wins. Raise Setup naming the variable."""
    _known()
    values: dict[str, Any] = dict(_mounted())
    if "otel_endpoint" not in values and (found := os.environ.get(OTEL)) and not os.environ.get("HUB_OTEL_ENDPOINT"):
        values["otel_endpoint"] = found
    values.update({k: v for k, v in given.items() if v is not None})
    try:
        return Settings(**values)
    except ValidationError as e:
        first = e.errors()[0]
        name = "HUB_" + "_".join(str(p) for p in first["loc"]).upper()
        raise Setup(f"{name} is not valid: {first['msg'].removeprefix('Value error, ')}.") from None


def _known() -> None:
    """Refuse a variable that means nothing: it is usually one that was misspelt."""
    names = [f"HUB_{n.upper()}" for n in Settings.model_fields]
    known = {*names, *(f"{n}_FILE" for n in names)}
    for name in sorted(os.environ):
        # Kubernetes names every service of a namespace in the environment.
        if not name.startswith("HUB_") or name in known or re.match(r"HUB_(SERVICE_|PORT_\d)", name):
            continue
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
        meant = f"; did you mean {near[0]}?" if near else "; deploy/.env.example lists all there are."
        raise Setup(f"{name} is no setting of the hub{meant}")


def _mounted() -> dict[str, str]:
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        path = os.environ.get(f"HUB_{name.upper()}_FILE")
        if not path:
            continue
        try:
            values[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as e:
            words = e.strerror if isinstance(e, OSError) else "it is not text"
            raise Setup(f"HUB_{name.upper()}_FILE cannot be read: {words}.") from None
    return values
