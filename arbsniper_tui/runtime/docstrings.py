"""The explanation under each field of a struct or member of an enumeration, which only the source holds."""

import ast
import inspect
from enum import Enum, IntEnum, StrEnum

from msgspec import Struct

_BASES = (Struct, Enum, IntEnum, StrEnum)


def docstrings(of: type[Struct] | type[Enum]) -> dict[str, str]:
    """The string under each field in the source, on one line, those of its bases too; a field without one is not
    there."""
    found: dict[str, str] = {}
    for each in reversed(of.__mro__):
        if issubclass(each, (Struct, Enum)) and each not in _BASES:
            found |= _declared(each)
    return found


def _declared(of: type) -> dict[str, str]:
    (declared,) = ast.parse(inspect.getsource(of)).body
    assert isinstance(declared, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, below in zip(declared.body, declared.body[1:], strict=False):
        match statement, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str() as text)),
            ):
                found[name] = " ".join(text.split())
    return found
