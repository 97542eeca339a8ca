"""Checks of the solvers' options."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from geolatent.geodesics.initialisation import Initialisation


def require_positive(**options: Any) -> None:
    """Raise unless each option, by its name, is a positive number."""
    for name, value in options.items():
        try:
            good = float(value) > 0
        except (TypeError, ValueError):
            good = False
        if not good:
            raise ValueError(f"{name} must be a positive number, got {value!r}.")


def require_count(**options: Any) -> None:
    """Raise unless each option, by its name, is a whole number of at least 1."""
    for name, value in options.items():
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}.")


def require_initialisations(initialisations: Sequence[Initialisation]) -> None:
    """Raise unless they are a sequence of at least one."""
    if isinstance(initialisations, Initialisation):
        name = type(initialisations).__name__
        raise TypeError(f"initialisations are several: give ({name}(…),), with the comma.")
    if not isinstance(initialisations, Sequence) or isinstance(initialisations, str):
        raise TypeError(
            f"initialisations must be a tuple of Initialisation, got {initialisations!r}: give "
            "(StraightLine(),) or leave it out."
        )
    if not initialisations:
        raise ValueError("initialisations must be at least one, got none.")
    for initialisation in initialisations:
        if not isinstance(initialisation, Initialisation):
            raise TypeError(
                f"initialisations must be of StraightLine, Arc, CodeGraph or an Initialisation of "
                f"your own, got {initialisation!r} among them."
            )
