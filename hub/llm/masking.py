"""Providers' words without keys and private addresses, and otherwise as they are. Pure."""

import ipaddress
import re

SHOWN = 2000
HIDDEN, ADDRESS = "***", "(address)"
# Keys have a known beginning and a long rest with digits, or stars where the provider masked them itself;
# words such as `key_missing` or `sk-learn` have none.
_KEYS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|nvapi|pplx|csk|fw|r8|tgp|key|api)[-_](?=[\w*-]{0,200}[\d*])[\w*-]{8,}"
    r"|\bhf_[A-Za-z0-9]{16,}|\bAIza[\w*-]{16,}|\beyJ[\w-]{8,1000}\.[\w-]{4,}[\w.-]*"
    r"|\b[Bb]earer\s+(?=[\w.~+/=-]*\d)[\w.~+/=-]{16,}"
)
_URL = re.compile(r"(?i)\b(?:https?|wss?|tcp|grpc)://[^\s\"'<>)\]]+")
_IP = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?(?![\w.]*\d)|\[([0-9a-fA-F:]{3,})\](?::\d+)?")
_QUERY = re.compile(r"(?i)([?&](?:key|api[-_]?key|token|access_token|sig|signature|code)=)[^&\s\"']+")
_INSIDE = (".local", ".internal", ".lan", ".cluster", ".svc", ".localdomain", ".home", ".corp", ".intranet")


def clean(text: str, key: str | None) -> str:
    """A provider's sentence without what is nobody's business."""
    if key and (len(key) >= 8 or (len(key) >= 5 and any(c.isdigit() for c in key))):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(key)}(?![A-Za-z0-9])", HIDDEN, text)
        text = text.replace(key, HIDDEN) if len(key) >= 16 else text
    text = _KEYS.sub(HIDDEN, text)
    text = _QUERY.sub(rf"\g<1>{HIDDEN}", text)
    text = _URL.sub(lambda m: ADDRESS if _private(_host(m[0])) else m[0], text)
    text = _IP.sub(lambda m: ADDRESS if _private(m[1] or m[2]) else m[0], text)
    return " ".join(text.split())[:SHOWN]


def _host(url: str) -> str:
    rest = url.split("://", 1)[1].split("/", 1)[0].split("?", 1)[0].rsplit("@", 1)[-1]
    return rest[1 : rest.find("]")] if rest.startswith("[") else rest.split(":", 1)[0]


def _private(host: str) -> bool:
    """Whether a host is not one of the internet's."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        host = host.lower().rstrip(".")
        if re.fullmatch(r"[\d.]+", host) or ":" in host:
            return False
        return "." not in host or host.endswith(_INSIDE) or ".svc." in host
