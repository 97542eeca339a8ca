"""What a function is made of."""

import dis
from collections.abc import Iterator
from functools import partial
from types import CodeType, ModuleType


def parts_behind(function: object) -> list[object]:
    """What a function is seen to use.

    The object of a bound method and its attributes, the arguments of a partial, the variables of a
    closure, the global variables that its code reads, and what is in a list, tuple or dictionary.
    """
    if isinstance(function, type | ModuleType):
        return []
    if isinstance(function, partial):
        return [function.func, *function.args, *function.keywords.values()]
    if isinstance(function, list | tuple):
        return list(function)
    if isinstance(function, dict):
        return list(function.values())
    owner = getattr(function, "__self__", None)
    parts = [owner, *_attributes(owner), *_attributes(function)]
    cells = getattr(function, "__closure__", None)
    parts += map(_content, cells if isinstance(cells, tuple) else ())
    code = getattr(function, "__code__", None)
    if isinstance(code, CodeType):
        values = getattr(function, "__globals__", {})
        parts += [values[name] for name in set(_globals_read(code)) if name in values]
    return parts


def _attributes(thing: object) -> list[object]:
    if isinstance(thing, type | ModuleType):
        return []
    return list(getattr(thing, "__dict__", {}).values())


def _globals_read(code: CodeType) -> Iterator[str]:
    """Not all names of the code, which are those of attributes too."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):  # of a function or comprehension inside
            yield from _globals_read(constant)


def _content(cell: object) -> object:
    try:
        return getattr(cell, "cell_contents", None)
    except ValueError:  # not filled yet
        return None
