"""The documentation site: `make docs` builds it into build/site.

Sphinx with MyST and Furo: the documents stay Markdown that GitHub shows too, autodoc reads the docstrings, myst-nb runs the
lessons, a wrong link or a renamed object is a warning (an error here), and the pages need no host but their own.
"""

from __future__ import annotations

import hashlib
import os
import sys
import typing
import warnings
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS / "_extensions"))
# jaxtyping then prints annotations as they are written.
typing.GENERATING_DOCUMENTATION = "inkwash"  # type: ignore[attr-defined]
# The lessons compute on this number of threads; more would only compete with the parallel build.
os.environ.setdefault("OMP_NUM_THREADS", "2")
# tqdm, where it is installed without ipywidgets, warns in the output of a cell.
os.environ.setdefault("PYTHONWARNINGS", "ignore:IProgress")
warnings.filterwarnings("ignore", category=DeprecationWarning)


def _sources() -> str:
    """Return a digest of the package: what the lessons compute depends on it, and not only on their cells."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


project = "inkwash"
author = "the authors of inkwash"
copyright = "the authors of inkwash; MIT licence"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "accessible",
    "docstrings",
    "mathml",
    "notebooks",
    "reference_pages",
    "source_of",
]
exclude_patterns = ["_extensions", "learn/notebooks"]

pages_of_other_documents = {
    "benchmarks/records.md": "explanation/records.md",
    "benchmarks/notes.md": "explanation/notes.md",
    "CONTRIBUTING.md": "how-to/contributing.md",
    "CHANGELOG.md": "reference/changelog.md",
}
# Headings of generated documents skip a level.
suppress_warnings = ["myst.header"]
nitpicky = True
# Names of other packages have no page here, and they are not looked up on other hosts.
nitpick_ignore_regex = [("py:.*", r"(?!inkwash).*"), ("py:.*", r"inkwash\..*\.(T|P|np\..*)")]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "docs-cache" / _sources())
nb_execution_raise_on_error = True
nb_execution_timeout = 180
nb_execution_show_tb = True
nb_merge_streams = True
nb_code_prompt_show = "Show the code of the figure"
nb_code_prompt_hide = "Hide the code of the figure"

autodoc_default_options = {"members": True, "special-members": "__call__", "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_type_aliases = {
    name: name
    for name in (
        *("Images", "Labels", "Scalars", "PerExample", "Seeds", "SampleValues", "Density", "Denoiser", "Weight"),
        *("NetworkField", "ScheduleField", "DensityField", "WeightField", "LengthText", "SamplerText"),
    )
}
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "inkwash"
html_favicon = "../src/inkwash/web/page/icon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
templates_path: list[str] = []
copybutton_exclude = ".linenos, .gp, .go"
