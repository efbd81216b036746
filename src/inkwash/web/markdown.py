"""Markdown of model cards as HTML: raw HTML is escaped, and images are removed with the headings that only they follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": False})
for _kind in ("fence", "code_block"):
    # Code that is wider than the page is scrolled with the keyboard.
    PARSER.add_render_rule(
        _kind, lambda _, tokens, at, *rest: f'<pre tabindex="0"><code>{escapeHtml(tokens[at].content)}</code></pre>\n'
    )
LOWEST = 7
"""Level of a paragraph that is one bold phrase: below all headings."""


def render(text: str) -> str:
    """Return `text` as HTML that contains no markup of its author's, no script and no image."""
    kept: list[Token] = []
    next_level = 0
    # Start at the end, so that a heading over nothing but removed headings is removed too.
    for block in reversed(list(_blocks(PARSER.parse(text)))):
        level = _level(block)
        if _is_image(block) or (level is not None and next_level <= level):
            continue
        next_level = LOWEST + 1 if level is None else level
        kept = [*block, *kept]
    return str(PARSER.renderer.render(kept, PARSER.options, {}))


def _blocks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each top-level block."""
    block: list[Token] = []
    depth = 0
    for token in tokens:
        block.append(token)
        depth += token.nesting
        if depth == 0:
            yield block
            block = []


def _level(block: Sequence[Token]) -> int | None:
    """Return the level of a heading, None for other blocks."""
    if block[0].type == "heading_open":
        return int(block[0].tag[1:])
    inner = [token.type for token in _inline(block) if token.content or token.nesting]
    return LOWEST if inner == ["strong_open", "text", "strong_close"] else None


def _is_image(block: Sequence[Token]) -> bool:
    return bool(_inline(block)) and all(token.type in ("image", "softbreak") for token in _inline(block))


def _inline(block: Sequence[Token]) -> list[Token]:
    return (block[1].children or []) if block[0].type == "paragraph_open" else []
