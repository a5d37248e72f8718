"""Passwords are kept as argon2id and checked without telling who exists."""

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from hub.accounts.passwords import Passwords
from hub.errors import Invalid


async def test_the_right_password_fits_and_no_other() -> None:
    passwords = Passwords()
    stored = await passwords.hashed("correct horse")
    assert stored.startswith("$argon2id$") and "correct" not in stored
    assert await passwords.fits("correct horse", stored)
    assert not await passwords.fits("correct house", stored)
    assert not await passwords.fits("correct horse", "not a hash")


async def test_a_password_costs_64_mib_three_times_over(earnest_passwords: None) -> None:
    passwords = Passwords()
    stored = await passwords.hashed("tulips in the rain")
    assert stored.split("$")[:4] == ["", "argon2id", "v=19", "m=65536,t=3,p=4"]
    assert await passwords.fits("tulips in the rain", stored)


async def test_nobody_has_a_password(monkeypatch: pytest.MonkeyPatch, earnest_passwords: None) -> None:
    read: list[str] = []
    verify = PasswordHasher.verify

    def noted(hasher: PasswordHasher, stored: str, password: str) -> bool:
        read.append(stored)
        return bool(verify(hasher, stored, password))

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    passwords = Passwords()
    assert not await passwords.fits("", None)
    # The stand-in costs what a real hash costs: it is read to its end, with the same parameters.
    assert read[0].split("$")[:4] == (await passwords.hashed("tulips in the rain")).split("$")[:4]
    with pytest.raises(VerifyMismatchError):
        verify(PasswordHasher(), read[0], "")


@pytest.mark.parametrize("password", ["", "seven77", "x" * 1025])
async def test_passwords_have_a_length(password: str) -> None:
    with pytest.raises(Invalid) as e:
        await Passwords().hashed(password, "new_password")
    assert e.value.field == "new_password"
