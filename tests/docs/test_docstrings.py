"""Docstrings of everything public, by numpydoc's checks: there is nothing to find.

python tests/docs/test_docstrings.py            prints what is wrong today
"""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import gmmem

API = Path(__file__).parents[2] / "doc" / "api.rst"

# Parameters undocumented, unknown, or without a description; returns missing, or without a
# description; no docstring; no example.
CHECKS = {"PR01", "PR02", "PR07", "RT01", "RT03", "GL08", "EX01"}
# A field of a dataclass or named tuple has no docstring of its own, nor has what a class inherits.
METHODS = (staticmethod, classmethod, property)


def modules():
    """Those that ``gmmem`` shows, whose ``__all__`` says what is public."""
    names = [f"gmmem.{found.name}" for found in pkgutil.iter_modules(gmmem.__path__)]
    loaded = [importlib.import_module(name) for name in names if name not in NOT_PUBLIC]
    return [gmmem, *(module for module in loaded if hasattr(module, "__all__"))]


# What the package needs of other versions of scikit-learn.
NOT_PUBLIC = ("gmmem.compat", "gmmem._version")


def things() -> dict[str, object]:
    """Public classes and functions by name, ``package.module.thing``: the first of their names."""
    named: dict[int, tuple[str, object]] = {}
    for module in modules():
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                named.setdefault(id(thing), (f"{module.__name__}.{name}", thing))
    return dict(named.values())


def public() -> list[str]:
    """The same with methods, each under the first class that has it."""
    names: dict[int, str] = {id(thing): name for name, thing in things().items()}
    for name, thing in things().items():
        if inspect.isclass(thing):
            for member_name, member in members(thing):
                names.setdefault(id(member), f"{name}.{member_name}")
    return sorted(set(names.values()))


def members(cls):
    """A class's own public methods and properties, and those of our classes it inherits from."""
    for parent in inspect.getmro(cls):
        if not parent.__module__.startswith("gmmem"):
            continue
        for name, member in vars(parent).items():
            is_method = inspect.isfunction(member) or isinstance(member, METHODS)
            if is_method and not name.startswith("_") and getattr(cls, name, None) is not None:
                yield name, member


def findings() -> list[str]:
    """Lines ``name CHECK``, sorted."""
    from numpydoc.validate import validate

    return sorted(
        f"{name} {code}"
        for name in public()
        for code, _ in validate(name)["errors"]
        if code in CHECKS
    )


def test_docstrings():
    pytest.importorskip("numpydoc", reason="numpydoc comes with the extra doc")
    found = findings()
    assert not found, f"Document these (numpydoc's checks): {found}"


def test_every_public_name_has_a_page():
    listed = re.findall(r"^   ([\w.]+)$", API.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == len(set(listed))
    shown = {f"gmmem.{name}" for name in listed}
    missing = things().keys() - shown
    assert not missing, f"Put these into doc/api.rst: {missing}"
    assert not shown - things().keys(), "these are not public"


def test_what_is_public():
    names = public()
    assert len(names) == len(set(names)) > 80
    for name in (
        "gmmem.GaussianMixture",
        "gmmem.GaussianMixture.fit",
        "gmmem.BayesianGaussianMixture.predict_proba",
        "gmmem.Mixture.from_arrays",
        "gmmem.displays.MixtureDisplay.plot",
        "gmmem.datasets.load_old_faithful",
    ):
        assert name in names


if __name__ == "__main__":
    print("\n".join(findings()) or "Nothing to mend.")
