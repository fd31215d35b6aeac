"""Docstrings of everything public, by numpydoc's checks; a list of what is still to be mended.

    python tests/docs/test_docstrings.py            prints what is wrong today
    python tests/docs/test_docstrings.py --write    puts that into docstrings_to_mend.txt

The list can only shrink: a finding that is not on it fails, and so does one that was mended
and stands there still.
"""

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

import pytest

import gmmem

# Parameters undocumented, or without a description; returns missing, or without a description;
# no docstring; no example.
CHECKS = {"PR01", "PR07", "RT01", "RT03", "GL08", "EX01"}
LIST = Path(__file__).with_name("docstrings_to_mend.txt")
HEADER = "# Findings of numpydoc that are still to be mended; see test_docstrings.py.\n"
# A field of a dataclass or named tuple has no docstring of its own, nor has what a class inherits.
METHODS = (staticmethod, classmethod, property)


def modules():
    """Those that ``gmmem`` shows, whose ``__all__`` says what is public."""
    names = [f"gmmem.{found.name}" for found in pkgutil.iter_modules(gmmem.__path__)]
    loaded = [importlib.import_module(name) for name in names if name not in NOT_PUBLIC]
    return [
        gmmem,
        *(module for module in loaded if hasattr(module, "__all__") or module.__name__ in WHOLE),
    ]


# Modules without an __all__ whose own classes and functions are all public.
WHOLE = ("gmmem.em",)
# What the package needs of other versions of scikit-learn.
NOT_PUBLIC = ("gmmem.compat", "gmmem._version")


def public():
    """Names of public classes, functions and methods, ``package.module.thing``."""
    names: dict[int, str] = {}
    for module in modules():
        own = getattr(module, "__all__", None) or [
            name
            for name, thing in vars(module).items()
            if getattr(thing, "__module__", None) == module.__name__ and not name.startswith("_")
        ]
        for name in own:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                # Under the first of its names, and a method under the first class that has it.
                names.setdefault(id(thing), f"{module.__name__}.{name}")
                if inspect.isclass(thing):
                    for member_name, member in members(thing):
                        names.setdefault(id(member), f"{names[id(thing)]}.{member_name}")
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


def listed() -> list[str]:
    return [line for line in LIST.read_text().splitlines() if not line.startswith("#")]


def test_docstrings():
    pytest.importorskip("numpydoc", reason="numpydoc comes with the extra doc")
    found, known = set(findings()), set(listed())
    new, mended = sorted(found - known), sorted(known - found)
    assert not new, f"Document these (numpydoc's checks): {new}"
    assert not mended, f"Mended: take them out of {LIST.name}: {mended}"


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
    lines = findings()
    if "--write" in sys.argv:
        LIST.write_text(HEADER + "".join(f"{line}\n" for line in lines))
    else:
        print("\n".join(lines))
    for code in sorted(CHECKS):
        print(code, sum(line.endswith(code) for line in lines), file=sys.stderr)
