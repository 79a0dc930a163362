import pytest

from chainrule.nn.names import look_up

KNOWN = {"mean": 1, "sum": 2}


def test_found():
    assert look_up("reduction", "sum", KNOWN) == 2


@pytest.mark.parametrize("name", [None, 3, "zzz"])
def test_a_name_like_none_of_them(name):
    with pytest.raises(ValueError, match=r"known reductions: mean, sum$"):
        look_up("reduction", name, KNOWN)


def test_plural():
    with pytest.raises(ValueError, match="known losses: mean"):
        look_up("loss", "x", KNOWN)
    with pytest.raises(ValueError, match="known arrays: mean"):
        look_up("array", "x", KNOWN)
