"""What ``import gmmem`` gives: all its modules, at no cost."""

import subprocess
import sys

import pytest

MODULES = ["bootstrap", "covariances", "criteria", "datasets", "displays", "initializers"]
MODULES += ["sources"]


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


def test_modules_are_found_without_an_import_of_their_own():
    names = [f"gmmem.{name}" for name in MODULES]
    code = f"import gmmem; print(*(m.__name__ for m in ({', '.join(names)})))"
    assert run(code) == names


def test_what_is_not_asked_for_is_not_imported():
    loaded = run("import gmmem, sys; dir(gmmem); print(*sys.modules)")
    assert "gmmem.estimators" in loaded
    assert not {"gmmem.bootstrap", "gmmem.displays", "gmmem.datasets", "matplotlib"} & set(loaded)


def test_modules_are_listed():
    import gmmem

    assert set(MODULES) <= set(dir(gmmem))
    assert set(gmmem.__all__) <= set(dir(gmmem))


@pytest.mark.parametrize("name", ["criterion", "__wrapped__", "_missing"])
def test_other_names_are_not_there(name):
    import gmmem

    with pytest.raises(AttributeError, match=f"module 'gmmem' has no attribute '{name}'"):
        getattr(gmmem, name)
