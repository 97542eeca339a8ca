"""What a function is made of."""

from functools import partial


def parts_behind(function: object) -> list[object]:
    """The object of a bound method, the arguments of a partial, the variables of a closure."""
    if isinstance(function, partial):
        return [function.func, *function.args, *function.keywords.values()]
    cells = getattr(function, "__closure__", None) or ()
    return [getattr(function, "__self__", None), *(_content(cell) for cell in cells)]


def _content(cell: object) -> object:
    try:
        return getattr(cell, "cell_contents", None)
    except ValueError:  # not filled yet
        return None
