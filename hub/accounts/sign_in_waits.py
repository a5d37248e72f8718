"""How often one may guess: by whom it is about and by where it comes from, without ever locking the owner out."""

import ipaddress
from dataclasses import dataclass
from math import ceil

from hub.errors import TooMany
from hub.sealing import digest
from hub.store import sign_in_waits
from hub.store.db import Db

# Tries that cost no wait: of one user, from one network (an office shares one), on a device that was here before.
USER, NETWORK, DEVICE = 8, 40, 12


def network_of(ip: str) -> str:
    """What counts as one address: whoever has an IPv6 address has the other 2^64 of its network too."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


@dataclass(frozen=True, slots=True)
class Try:
    """A try to sign in, counted by `begin` before what was given is looked at. kind: whose door it is. whom: who it is
    about; None for a door that does not ask. known: a device, or network, that has signed in as them before."""

    kind: str
    whom: str | None
    ip: str
    known: bytes | None = None

    def _keys(self) -> list[tuple[bytes, int, bool]]:
        """(what is counted, tries that cost no wait, whether nobody else shares it)"""
        if self.known is not None:
            return [(digest(f"{self.kind}:device:{self.whom}:{self.known.hex()}"), DEVICE, True)]
        found = [(digest(f"{self.kind}:network:{network_of(self.ip)}"), NETWORK, False)]
        if self.whom is not None:
            found.append((digest(f"{self.kind}:user:{self.whom}"), USER, True))
        return found

    async def begin(self, db: Db) -> None:
        """Raise TooMany with the seconds to wait. A wait that is sat out is not prolonged by asking."""
        counted: list[tuple[bytes, int]] = []
        for key, free, _ in self._keys():
            wait = await sign_in_waits.begin(db, key, free)
            if wait > 0:
                for other, most in counted:
                    await sign_in_waits.give_back(db, other, most)
                raise TooMany(f"Too many tries; the next one is possible in {ceil(wait)} s.", retry_after=wait)
            counted.append((key, free))

    async def succeeded(self, db: Db) -> None:
        for key, free, own in self._keys():
            if own:
                await sign_in_waits.clear(db, key)
            else:
                await sign_in_waits.give_back(db, key, free)
