"""Every global name that the package uses exists.

Linters are told not to look, since the shapes of jaxtyping are strings that are no names.
"""

import builtins
import dis
import importlib
import pkgutil
from types import CodeType

import pytest

import geolatent

MODULES = [module.name for module in pkgutil.walk_packages(geolatent.__path__, "geolatent.")]


def global_names(code: CodeType) -> set[str]:
    names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL",)}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= global_names(constant)
    return names


@pytest.mark.parametrize("name", MODULES)
def test_every_name_exists(name: str):
    module = importlib.import_module(name)
    source = module.__spec__.loader.get_source(name)
    code = compile(source, module.__file__, "exec")
    known = vars(module).keys() | vars(builtins).keys()
    assert global_names(code) <= known
