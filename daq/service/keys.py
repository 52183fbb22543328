"""CURVE keys: the service's, its user's own, and those of others whom the user allows.

`keys/server.key` and `keys/client.key` are secret.  `keys/client.pub` is handed to another computer, whose user puts it as
`keys/allowed/NAME.pub` and so decides by which name its holder is known.  Keys are 40 characters (Z85).
"""

import getpass
import ipaddress
import platform
import re
from pathlib import Path
from typing import NamedTuple

import zmq

from daq.service.errors import ServiceError
from daq.service.place import Place, read_own, read_private, write, write_once

KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
NAME = re.compile(r"[\w.+-]{1,40}(@[\w.+-]{1,40})?")


class Pair(NamedTuple):
    """A public key and its secret."""

    public: bytes
    secret: bytes


class Keys:
    """Of one user; made when they are missing.  Raises `ServiceError` for a file that others could read, or that has no key."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def server(self) -> Pair:
        """What clients know the service by."""
        return _pair(self._place.keys / "server.key")

    def client(self) -> Pair:
        """What this user's programs are known by; on this computer the service knows it, elsewhere it has to be allowed."""
        pair = _pair(self._place.keys / "client.key")
        handed_out = self._place.keys / "client.pub"
        if not handed_out.exists() or _key(handed_out, handed_out.read_text()) != pair.public:
            write(handed_out, pair.public.decode() + "\n")
        return pair

    def holder(self, public: bytes, address: str) -> str:
        """Who connects from `address` with this key: `user@host`, or what an allowed key's file is called; "" is nobody."""
        if public == self.client().public:
            return own_name() if ipaddress.ip_address(address).is_loopback else ""
        for path in sorted(self._place.allowed.glob("*.pub")):
            if NAME.fullmatch(path.stem) and _key(path, read_own(path)) == public:
                return path.stem
        return ""

    def is_allowed(self, name: str) -> bool:
        """Whether the holder of this name still is: its file may have been removed since it came."""
        return name == own_name() or (self._place.allowed / f"{name}.pub").exists()


def own_name() -> str:
    """Who this program's user is."""
    return f"{getpass.getuser()}@{platform.node()}"


def _pair(path: Path) -> Pair:
    if not path.exists():
        write_once(path, zmq.curve_keypair()[1].decode() + "\n")
    secret = _key(path, read_private(path))
    return Pair(zmq.curve_public(secret), secret)


def _key(path: Path, text: str) -> bytes:
    if not KEY.fullmatch(text.strip()):
        raise ServiceError(f"{path} does not hold a key of 40 characters; copy it again, or remove it")
    return text.strip().encode()
