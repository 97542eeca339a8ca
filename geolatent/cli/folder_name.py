"""A folder name that says which settings a run of a sweep has."""

import hashlib
import re

_LONGEST = 120


def folder_name(settings: str) -> str:
    """The settings themselves, if a file system can take them.

    Args:
        settings: as Hydra joins them, ``latent=hyperbolic,seed=0``.

    Returns:
        One path component of at most 120 characters; where characters had to be replaced or left
        out, a hash keeps different settings apart.

    >>> folder_name("latent=hyperbolic,seed=0")
    'latent=hyperbolic,seed=0'
    >>> folder_name("data.path=mine/cells.csv")
    'data.path=mine_cells.csv-de90d6'
    """
    safe = re.sub(r"[^\w.,=+-]", "_", settings)
    if safe != settings or len(safe) > _LONGEST:
        digest = hashlib.sha256(settings.encode()).hexdigest()[:6]
        safe = f"{safe[: _LONGEST - 7]}-{digest}"
    return safe or "default"
