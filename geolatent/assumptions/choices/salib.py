"""SALib's designs, which are an extra."""

import importlib
from typing import Any

from geolatent.data import MissingExtra


def salib(method: str) -> tuple[Any, Any]:
    """The modules with `sample` and `analyze` of a method.

    Raises:
        MissingExtra: SALib is not installed.

    References:
        Herman, J., Usher, W. (2017). SALib: an open-source Python library for sensitivity analysis.
        J. Open Source Softw. 2(9).
    """
    try:
        sampler = importlib.import_module(f"SALib.sample.{method}")
        analyser = importlib.import_module(f"SALib.analyze.{method}")
    except ImportError as error:
        purpose = f"The {method} design"
        raise MissingExtra("SALib", extra="sensitivity", purpose=purpose) from error
    return sampler, analyser


def unit_problem(count: int) -> dict[str, Any]:
    """So many factors, each from 0 to 1."""
    names = [f"x{k}" for k in range(count)]
    return {"num_vars": count, "names": names, "bounds": [[0.0, 1.0]] * count}
