"""Sphinx configuration.

    sphinx-build -W --keep-going -q -b html doc OUT

Nothing is asked of the network: MathJax comes from a package, the inventories that
intersphinx needs are written from the names below, and the theme brings its own fonts.
``-D plot_gallery=0`` builds without running the examples.
"""

import zlib
from importlib.util import find_spec
from pathlib import Path

# The gallery looks up what examples name, and IterativeImputer is there only after this.
from sklearn.experimental import enable_iterative_imputer  # noqa: F401

from gmmem import __version__

HERE = Path(__file__).parent

project = "gmmem"
copyright = "2026, the gmmem developers"
version = release = __version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "generated/gallery/**/*.ipynb"]
templates_path = ["_templates"]
default_role = "py:obj"
highlight_language = "python"

# --- the pages' look -------------------------------------------------------------

html_theme = "furo"
html_title = "gmmem"
html_static_path = ["_static"]
html_css_files = ["gmmem.css"]
html_js_files = ["figures.js"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"top_of_page_buttons": [], "navigation_with_keys": True}
pygments_style = "friendly"

# One file with all of TeX's extensions, which draws with no fonts of its own.
_mathjax = Path(find_spec("sphinx-mathjax-offline").submodule_search_locations[0])
html_static_path.append(str(_mathjax / "static" / "mathjax" / "tex-svg-full.js"))
mathjax_path = "tex-svg-full.js"
mathjax3_config = {"options": {"enableMenu": False}}

# --- the reference ---------------------------------------------------------------

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
# What scikit-learn adds to an estimator refers to scikit-learn's own pages.
autodoc_default_options = {
    "exclude-members": "set_fit_request, set_score_request, set_predict_request, "
    "set_transform_request, set_partial_fit_request, set_callbacks, get_metadata_routing, "
    "set_output",
}

# --- the gallery -----------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "generated/gallery",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("gmmem",),
    "reference_url": {"gmmem": None},
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1,
    "write_computation_times": False,
    "remove_config_comments": True,
    # What a line returns is shown where it is a table, not where it is a list of artists.
    "capture_repr": ("_repr_html_",),
}

# --- other projects' pages, by name ----------------------------------------------

OTHERS = {
    "sklearn": (
        "https://scikit-learn.org/stable/",
        "modules/generated/{name}.html#{name}",
        {
            "py:class": [
                "sklearn.mixture.GaussianMixture",
                "sklearn.mixture.BayesianGaussianMixture",
                "sklearn.model_selection.GridSearchCV",
                "sklearn.pipeline.Pipeline",
                "sklearn.preprocessing.StandardScaler",
                "sklearn.cluster.KMeans",
            ],
            "py:function": ["sklearn.base.clone"],
        },
    ),
    "numpy": (
        "https://numpy.org/doc/stable/",
        "reference/generated/{name}.html#{name}",
        {"py:class": ["numpy.ndarray", "numpy.memmap"], "py:function": ["numpy.logaddexp"]},
    ),
    "matplotlib": (
        "https://matplotlib.org/stable/",
        "api/_as_gen/{name}.html#{name}",
        {"py:class": ["matplotlib.axes.Axes"]},
    ),
}


def _inventory(project: str, page: str, names: dict[str, list[str]]) -> str:
    """Write an inventory in the format that Sphinx reads, version 2, and say where."""
    lines = [
        f"{name} {role} 1 {page.format(name=name)} -\n"
        for role, listed in names.items()
        for name in listed
    ]
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n# The rest is zlib.\n"
    path = HERE / "generated" / f"{project}.inv"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(head.encode() + zlib.compress("".join(lines).encode()))
    return str(path.relative_to(HERE))


intersphinx_mapping = {
    name: (address, _inventory(name, page, names))
    for name, (address, page, names) in OTHERS.items()
}


def _skip(app, kind, name, thing, skip, options):
    """A named tuple's fields are told of among its parameters, not as "alias for field 0"."""
    return True if type(thing).__name__ == "_tuplegetter" else None


def setup(app):
    app.connect("autodoc-skip-member", _skip)
