"""Templates of pages."""

from collections.abc import Callable
from typing import Any


def render(
    template: str, *, filters: dict[str, Callable[..., str]] | None = None, **values: Any
) -> str:
    """A template of this folder as text; a value that it lacks is an error.

    Args:
        template: name of the file.
        filters: functions that it may use, by name.
        **values: what it shows.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only pages need it

    environment = Environment(
        loader=PackageLoader("geolatent.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters or {})
    return environment.get_template(template).render(**values)
