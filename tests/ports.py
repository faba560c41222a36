"""Ports for the servers that tests start."""

import secrets
import socket

#: Above the ports that Ray gives its workers, below those that Linux gives to whoever connects somewhere: of a port
#: that the system names as free, any connection of the tests beside this one may be the first user.
_FROM, _TO = 20_000, 32_000


def free_ports(count: int) -> tuple[int, ...]:
    """Different loopback ports at which nobody listens; they stay free until two tests draw the same of 12,000."""
    found: set[int] = set()
    while len(found) < count:
        port = _FROM + secrets.randbelow(_TO - _FROM)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                found.add(port)
    return tuple(found)
