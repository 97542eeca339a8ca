"""A word on what failed, where the result has no place for a verdict on each item."""

import warnings

from jaxtyping import Bool
from torch import Tensor


def warn_of_failures(what: str, converged: Bool[Tensor, "*b"]) -> None:
    """Warn the caller's caller, with a count, if some failed or have not converged."""
    failed = int((~converged).sum())
    if failed:
        warnings.warn(
            f"{failed} of {converged.numel()} {what} failed (NaN) or have not converged.",
            RuntimeWarning,
            stacklevel=3,
        )
