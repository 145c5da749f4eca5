"""The explanation under each field of a struct, which only the source holds."""

import ast
import inspect

from msgspec import Struct


def docstrings(struct: type[Struct]) -> dict[str, str]:
    """The string under each field in the source, on one line; a field without one is not there."""
    (declared,) = ast.parse(inspect.getsource(struct)).body
    assert isinstance(declared, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, below in zip(declared.body, declared.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str() as text)):
                    found[statement.target.id] = " ".join(text.split())
    return found
