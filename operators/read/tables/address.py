"""Addresses of tables: taken from the environment where they hold a password, and never shown."""

import os
import re
from collections.abc import Mapping
from urllib.parse import unquote

from operators.core.errors import UsageError
from operators.read.source import redact_urls

_VARIABLE = "env:"
_PASSWORD = re.compile(
    r"://[^/?#]*?:([^/?#]*)@|[?&\s]password\s*=\s*('[^']*'|[^&\s]+)|^password\s*=\s*(\S+)", re.IGNORECASE
)
#: Shorter ones would blot out the message.
_PIECE = 4


def resolve(uri: str) -> str:
    """The address itself; raises `UsageError` where it stands in an environment variable that is not set."""
    if not uri.startswith(_VARIABLE):
        return uri
    name = uri.removeprefix(_VARIABLE)
    if not (value := os.environ.get(name)):
        raise UsageError(
            f"source: {uri} names the environment variable {name}, which is not set: set it here and on the workers"
        )
    return value


def resolve_all(options: Mapping[str, str]) -> dict[str, str]:
    """`resolve` of every value."""
    return {name: resolve(value) for name, value in options.items()}


def without_secrets(text: str, address: str) -> str:
    """A library's message about an address without the address and the passwords in it."""
    found = {group for match in _PASSWORD.finditer(address) for group in match.groups() if group}
    # A password with an unescaped @ or : is taken apart by the library, which may call a piece of it a host.
    pieces = {piece for secret in found for piece in re.split("[@:]", secret) if len(piece) >= _PIECE}
    secrets = {address, *found, *(unquote(secret) for secret in found), *pieces} - {""}
    # The longest first, or what is left of one that contains another could be read.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return " ".join(redact_urls(text).split())
