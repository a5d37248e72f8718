"""Passwords are kept as argon2id and checked without telling who exists."""

import pytest

from hub.accounts.passwords import NOBODY, Passwords
from hub.errors import Invalid


async def test_the_right_password_fits_and_no_other() -> None:
    passwords = Passwords()
    stored = await passwords.hashed("correct horse")
    assert stored.startswith("$argon2id$") and "correct" not in stored
    assert await passwords.fits("correct horse", stored)
    assert not await passwords.fits("correct house", stored)
    assert not await passwords.fits("correct horse", "not a hash")


async def test_nobody_has_a_password() -> None:
    passwords = Passwords()
    assert not await passwords.fits("", None)
    # The stand-in costs what a real hash costs: it is read to its end, with the same parameters.
    assert NOBODY.split("$")[3] == (await passwords.hashed("tulips in the rain")).split("$")[3]


@pytest.mark.parametrize("password", ["", "seven77", "x" * 1025])
async def test_passwords_have_a_length(password: str) -> None:
    with pytest.raises(Invalid) as e:
        await Passwords().hashed(password, "new_password")
    assert e.value.field == "new_password"
