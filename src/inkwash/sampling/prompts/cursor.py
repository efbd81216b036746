"""A position in the tokens of a prompt, and its errors."""

from __future__ import annotations

from dataclasses import dataclass

from inkwash.errors import UsageError
from inkwash.sampling.prompts.tokens import END, Token, TokenKind


@dataclass
class Cursor:
    """A position in the tokens of a prompt."""

    tokens: list[Token]
    position: int = 0

    def ahead(self, count: int = 0) -> Token:
        """Return the token `count` after the next one, `END` after the last."""
        found = self.position + count
        return self.tokens[found] if found < len(self.tokens) else END

    def accept(self, *kinds: TokenKind) -> Token | None:
        """Return the next token and move behind it, None if it is of none of `kinds`."""
        token = self.ahead()
        if token.kind not in kinds:
            return None
        self.position += 1
        return token

    def since(self, start: int) -> str:
        """Return the text from the position `start` up to here."""
        return " ".join(token.text for token in self.tokens[start : self.position])


def prompt_error(problem: str, remedy: str) -> UsageError:
    """Return the error for a `problem` in a prompt."""
    return UsageError(f"{problem} in the prompt: {remedy}", code="invalid-value", field="prompt")
