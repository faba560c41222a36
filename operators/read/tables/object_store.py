"""The Rust object store of Delta and Lance reads the same variables as the other clients, but for one."""

import os


def storage_options() -> dict[str, str]:
    """What the environment does not tell it: that an endpoint which starts with http:// may be spoken to."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    return {"allow_http": "true"} if endpoint.startswith("http://") else {}
