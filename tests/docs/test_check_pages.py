"""The check of the built pages finds each kind of fault, and none where there is none."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "doc" / "check_pages.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("check_pages", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def program(script):
    found = script.chromium()
    if found is None:
        pytest.skip("no Chromium here")
    return found


PAGE = """<!doctype html><html><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main id="here">{}</main></body></html>"""
GOOD = """<p>Text. <a href="#here">here</a> <a href="other.html#there">there</a></p>
<span class="math"><math><mi>x</mi></math></span><pre style="overflow-x: auto">short</pre>
<div style="overflow-x: auto"><div style="width: 3000px">a table that scrolls</div></div>"""
FAULTS = {
    '<div class="wide" style="width: 700px">x</div>': ["at 390: it is 7", "by div.wide"],
    '<div style="width: 1500px">x</div>': ["at 390: it is 15", "at 1280: it is 15"],
    r'<span class="math">\(x^2\)</span>': [r"does not render the formula '\\(x^2\\)'"],
    '<span class="math"><math><merror>bad</merror></math></span>': ["formula 'bad'"],
    '<a href="#nowhere">x</a>': ["dead link to", "#nowhere"],
    '<a href="other.html#nowhere">x</a>': ["dead link to", "other.html#nowhere"],
    '<a href="missing.html">x</a>': ["dead link to", "missing.html"],
    '<img src="missing.png" alt="x">': ["dead link to", "missing.png"],
    '<pre style="overflow-x: auto">' + "x" * 400 + "</pre>": ["at 1280: it cuts", "(400 char"],
    "<script>throw new Error('broken')</script>": ["a script that fails: Error: broken"],
    '<script src="http://127.0.0.1:9/x.js"></script>': ["asks the network for http://127.0.0.1:9"],
}


@pytest.fixture(scope="module")
def found(script, program, tmp_path_factory):
    """All pages at once: a browser takes a second to start."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "good.html").write_text(PAGE.format(GOOD))
    (folder / "other.html").write_text(PAGE.format('<p id="there">x</p>'))
    for number, fault in enumerate(FAULTS):
        (folder / f"fault-{number}.html").write_text(PAGE.format(fault))
    return script.check(folder, program)


def test_a_page_without_fault(found):
    assert [line for line in found if line.startswith(("good", "other"))] == []


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_faults_are_found(found, number):
    about_it = "\n".join(line for line in found if line.startswith(f"fault-{number}.html"))
    for part in list(FAULTS.values())[number]:
        assert part in about_it


def test_without_chromium_it_says_so(script, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(script.shutil, "which", lambda name: None)
    monkeypatch.setattr(script.sys, "argv", ["check_pages.py", str(tmp_path)])
    assert script.main() == 0
    assert capsys.readouterr().out.startswith("Skipped: no Chromium")
