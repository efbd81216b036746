"""Prompts: descriptions of images in words, such as "a bold, slanted seven", parsed by a small grammar."""

from inkwash.sampling.prompts.grammar import Description, parse_prompt
from inkwash.sampling.prompts.modifiers import Wanted

__all__ = ["Description", "Wanted", "parse_prompt"]
