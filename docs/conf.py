"""How Sphinx builds the site; ``python -m tools.site`` lays out what it reads and runs it."""

import importlib
from functools import reduce
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

import piggygan

project = "piggygan"
author = "The piggygan developers"
copyright = author  # noqa: A001 (the name is Sphinx's)
version = release = piggygan.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_use_type_comments = False
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

nitpicky = True
# Other packages' names are not linked: the site is built without a network.
nitpick_ignore_regex = [(r"py:.*", r"(?!piggygan).*")]

html_theme = "furo"
html_title = f"piggygan {release}"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_use_index = False  # the search finds more, and the page of every public name is shorter
html_static_path = ["docs/site.css"]
html_css_files = ["site.css"]
smartquotes = False  # a text that one searches for has the quotes of the terminal
html_theme_options = {"navigation_with_keys": True}


def resolve(app: Sphinx, environment: Any, node: Any, shown: nodes.Element) -> nodes.Element | None:
    """Link a name that docstrings give by the module that makes it to where it is public; else show it as code.

    Returns:
        The link or the code; None, which ends the build, if there is no such name.
    """
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith("piggygan"):
        return None
    found = _find(target)
    if found is None:
        return None
    for name, entry in environment.get_domain("py").objects.items():
        if name.rpartition(".")[2] == target.rpartition(".")[2] and _find(name) is found:
            return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, shown)
    return shown


def _find(dotted: str) -> object | None:
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        try:
            return reduce(getattr, parts[length:], module)
        except AttributeError:
            # An annotated field of a class has no value there.
            owner = reduce(lambda held, part: getattr(held, part, None), parts[length:-1], module)
            return getattr(owner, "__annotations__", {}).get(parts[-1])
    return None


def setup(app: Sphinx) -> None:
    """Tell Sphinx of it."""
    app.connect("missing-reference", resolve)
