"""Whether what a container was started for answers: Ray's agent, or the exporter. For Docker; Kubernetes has probes.

Standard library only. Exit code 0 where one of them is well, 1 where none is.
"""

import sys
from urllib.error import URLError
from urllib.request import urlopen

#: Ray's agent says "success" where its raylet lives; the exporter has this metric as soon as it listens.
CHECKS = (
    ("http://127.0.0.1:52365/api/local_raylet_healthz", b"success"),
    ("http://127.0.0.1:9465/metrics", b"millrace_exporter_up"),
)
_TIMEOUT = 4.0


def is_well(url: str, word: bytes) -> bool:
    """Whether the address answers with the word in it."""
    try:
        with urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - our own addresses
            return word in answer.read()
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(0 if any(is_well(url, word) for url, word in CHECKS) else 1)
