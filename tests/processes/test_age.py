"""Sealed streams: the format of age, whole or refused."""

import base64
import io
import os

import pytest

from hub.errors import Setup
from hub.processes.backups import age

# Made by rage, another program for the format.
THEIR_KEY = "AGE-SECRET-KEY-1VMQGV6TDRJM26PPQR6VHKEUUL4F49EM2NCC9STNHRK2HA8NZM40S0G9SA6"
THEIRS = base64.b64decode(
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBGMXRER3VPVFQxVXF0VDBPSnhuUXdzZ0dHUEV3b09mWlcvRUp5ZDdMMkFjCldldHc2Y21ET2J5"
    "VFdzVHhxMTVXR0RKU0V3NE5QMGREdzNtUTRNQ1VQVTAKLT4gKTlhaWVFKDktZ3JlYXNlIGR9MVQKUjJpUlpzdEl6TGREUkpONUJJSHNZajJ3R1RadnhW"
    "dUxDOHcKLS0tIE1xZlNMYXplTHBORXlJY29CYy90MlZrRWhrWEtUZVVhbVFBNjNCRHBJcDAKC65rbfxNrkjees7qGSAqO6RDbqoSlV7j6zWNTUVM7ElU"
    "+B4hZxXdaGt1OERmKU39H4q5Lp1FdQ=="
)


def sealed(data: bytes, **how: str) -> bytes:
    out = io.BytesIO()
    seal = age.Encrypting(out, **how)
    for start in range(0, len(data), 50_001):
        seal.write(data[start : start + 50_001])
    seal.finish()
    return out.getvalue()


def opened(data: bytes, **how: str) -> bytes:
    return b"".join(age.opened(io.BytesIO(data), **how))


def test_what_another_program_sealed_opens() -> None:
    assert opened(THEIRS, identity=THEIR_KEY) == b"made by another program"


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000])
def test_what_was_sealed_opens(size: int) -> None:
    secret, public = age.new_identity()
    data = os.urandom(size)
    assert opened(sealed(data, recipient=public), identity=secret) == data
    assert age.recipient_of(age.private(secret)) == public


def test_a_passphrase_opens_its_own_alone() -> None:
    made = sealed(b"canary", passphrase="pässword with blanks")
    assert b"canary" not in made and opened(made, passphrase="pässword with blanks") == b"canary"
    for wrong in ({"passphrase": "password"}, {"identity": age.new_identity()[0]}, {}):
        with pytest.raises(Setup, match="sealed for another key"):
            opened(made, **wrong)


def test_what_was_changed_or_cut_off_does_not_open() -> None:
    secret, public = age.new_identity()
    made = sealed(bytes(200_000), recipient=public)
    begins = len(made) - (200_000 + 4 * age.TAG)
    piece = age.PIECE + age.TAG
    cases = [
        made[:-1], made[: begins + 2 * piece], made[:begins], made[:100], made + b"x",
        made[: begins + 5] + bytes([made[begins + 5] ^ 1]) + made[begins + 6 :],
        made[:begins] + made[begins + piece :][:piece] + made[begins:][:piece] + made[begins + 2 * piece :],
        made.replace(b"-> X25519 ", b"-> X25519 A", 1),
    ]
    for case in cases:
        with pytest.raises(Setup):
            opened(case, identity=secret)


def test_a_key_that_was_mistyped_is_said() -> None:
    secret, public = age.new_identity()
    for key in (public[:-1], public[:-1] + ("q" if public[-1] != "q" else "p"), "age1", "ssh-rsa AAAA", public.upper()):
        with pytest.raises(Setup, match="HUB_BACKUP_RECIPIENT"):
            age.public(key)
    with pytest.raises(Setup, match="HUB_BACKUP_IDENTITY"):
        age.private(secret[:-2] + "QQ")
