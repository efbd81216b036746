"""The lines of code that an equation is: a directive that shows the source of an object.

    ```{source-of} inkwash.core.levels.Level.mix
    ```

An object that no longer exists is a warning, so the build fails and the lesson is corrected.
"""

from __future__ import annotations

from docutils import nodes
from source_listing import ROOT, source_of
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class SourceOf(SphinxDirective):
    """Show the source of a Python object under a line with its file, its first line and a link to the reference."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return a container of the caption and the source; report an object that does not exist."""
        name = self.arguments[0]
        try:
            source, file, line = source_of(name)
        except (ImportError, AttributeError, TypeError, OSError, ValueError) as error:
            return [self.state.document.reporter.warning(f"source-of {name}: {error}", line=self.lineno)]
        for module in (name.rpartition(".")[0], name.rpartition(".")[0].rpartition(".")[0]):
            if (ROOT / "src" / f"{module.replace('.', '/')}.py").is_file():
                self.env.note_dependency(str(ROOT / "src" / f"{module.replace('.', '/')}.py"))
        # A private object has no place in the reference: its module has.
        target = name.partition("._")[0]
        link = pending_xref("", refdomain="py", reftype="obj", reftarget=target, refexplicit=True, refwarn=True)
        link += nodes.literal(name, name.removeprefix("inkwash."), classes=["xref", "py"])
        caption = nodes.paragraph("", "", classes=["source-of-caption"])
        caption += [link, nodes.Text(f"  {file}, line {line}")]
        link["refdoc"] = self.env.docname
        code = nodes.literal_block(source, source, language="python")
        return [nodes.container("", caption, code, classes=["source-of"])]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("source-of", SourceOf)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
