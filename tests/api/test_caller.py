"""Each role may what those before it may."""

import pytest

from arbsniper_tui.api.role import Role


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("needed", Role)
def test_a_role_may_what_those_before_it_may(role: Role, needed: Role) -> None:
    order = ["viewer", "operator", "admin"]
    assert role.may(needed) is (order.index(role) >= order.index(needed))
