"""A math renderer for Sphinx that writes MathML when the site is built: no script, no font and no other host."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

NOT_CONVERTED = re.compile(r">(\\\w+|&)<")


def _mathml(node: nodes.Element, display: str) -> str:
    """Return a formula as MathML; warn of a command that latex2mathml leaves as it is."""
    made = convert(node.astext(), display=display)
    if left := NOT_CONVERTED.search(made):
        logging.getLogger(__name__).warning("%s in the formula %s is not known", left[1], node.astext(), location=node)
    return made


def _inline(self: Any, node: nodes.Element) -> None:
    self.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.Element) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math", tabindex="0"))
    self.body.append(f"{_mathml(node, 'block')}</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer as mathml, and use it."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
