"""The documents are true: what they tell you to run runs, and what they name is there."""

from __future__ import annotations

import pkgutil
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from inkwash import cli, core, data, model, nets, objectives, recipe
from inkwash.cli import outputs
from inkwash.cli.pages.recipes import promised
from inkwash.cli.requests import Request
from inkwash.model import Model
from inkwash.recipe import Recipe
from inkwash.training.lengths import Length

ROOT = Path(__file__).parents[2]
EXTENDING = ROOT / "docs" / "extending.md"
FROM_THE_FIVE = ROOT / "docs" / "from-the-five.md"
THE_FIVE = ("ddpm-bn", "cfg-cosine", "ddim-300", "simple-unet", "attention-unet")
BUNDLED = ("cfg-cosine", "ddim-300")
"""The models that a document may take for granted."""
DOCUMENTS = [path for path in (FROM_THE_FIVE, EXTENDING, ROOT / "README.md") if path.is_file()]
TABLES: tuple[dict[str, Any], ...] = (
    core.SCHEDULES,
    core.WARPS,
    core.DENSITIES,
    core.TARGETS,
    core.SAMPLERS,
    objectives.WEIGHTS,
    nets.NETS,
    data.DATASETS,
)


@pytest.fixture(autouse=True)
def one_thread_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)


class Block(NamedTuple):
    """A fenced block: its language, its text, the number of its first line, and whether it is marked to run."""

    language: str
    text: str
    line: int
    runs: bool

    @property
    def file(self) -> str | None:
        """The file that the block is a part of, told by its first line."""
        named = re.match(r"# (\S+\.(py|toml))\n", self.text)
        return named[1] if named else None

    def commands(self) -> list[str]:
        """The `inkwash ...` lines, those that end in a backslash joined to the next."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if line.startswith("inkwash ")]


def blocks(text: str) -> list[Block]:
    fences = re.finditer(r"(<!-- runs -->\n)?^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(m[2], m[3], text.count("\n", 0, m.start(3)) + 1, bool(m[1])) for m in fences]


def spans(text: str) -> list[re.Match[str]]:
    """The `code` spans of a document, outside its fenced blocks."""
    unfenced = re.sub(r"^```.*?^```$", lambda m: " " * len(m[0]), text, flags=re.MULTILINE | re.DOTALL)
    return list(re.finditer(r"`([^`\n]+)`", unfenced))


def told_commands(text: str) -> list[list[str]]:
    """The words of every command that is told in full, in order; NAME in capitals stands for something else."""
    placed = [(block.line, line) for block in blocks(text) for line in block.commands()]
    placed += [(text.count("\n", 0, m.start()) + 1, m[1]) for m in spans(text) if m[1].startswith("inkwash ")]
    words = [shlex.split(line, comments=True)[1:] for _, line in sorted(placed, key=lambda place: place[0])]
    return [some for some in words if not (len(some) > 1 and some[1].isupper())]


@contextmanager
def own_tables() -> Iterator[None]:
    """Rows that are added inside are gone afterwards, as they are between two processes."""
    before = [dict(table) for table in TABLES]
    try:
        yield
    finally:
        for table, rows in zip(TABLES, before, strict=True):
            table.clear()
            table.update(rows)


def run_python(block: Block, namespace: dict[str, object]) -> None:
    # empty lines before it give a failure the line number of the document
    source = "\n" * (block.line - 1) + block.text
    exec(compile(source, str(EXTENDING), "exec", dont_inherit=True), namespace)


def exit_code(command: str) -> object:
    with own_tables(), pytest.raises(SystemExit) as left:
        cli.main(shlex.split(command)[1:])
    return left.value.code


def test_extending_runs_from_top_to_bottom() -> None:
    namespace: dict[str, object] = {"__name__": "extending"}
    with own_tables():
        for block in blocks(EXTENDING.read_text(encoding="utf-8")):
            if block.file:
                with Path(block.file).open("a", encoding="utf-8") as file:
                    file.write(f"{block.text}\n\n")
            if block.language == "python":
                run_python(block, namespace)
            for command in block.commands() if block.runs else ():
                assert exit_code(command) == 0, f"{EXTENDING.name}, block at line {block.line}: {command}"


@dataclass
class Reader:
    """Follows a document's commands without training or drawing: what each needs must be there or made before."""

    runs: dict[str, Recipe] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)

    def follow(self, words: list[str]) -> None:
        told, bound, _ = cli.app.parse_args(words, exit_on_error=False, print_error=False)
        follow = getattr(self, told.__name__, None)
        if follow is not None:
            bound.apply_defaults()
            follow(**bound.arguments)

    def train(self, what: str, data: str | None, out: Path | None, set_: tuple[str, ...], **rest: Any) -> None:
        if what in self.runs:
            return
        if rest["checkpoint_every"] is not None:
            Length.parse(rest["checkpoint_every"])
        chosen = recipe.load(what).with_changes(set_)
        for spec in (chosen.data.name, data):
            assert spec is None or spec in data.DATASETS or spec.isupper() or "/" in spec, f"there is no data {spec}"
        model.build_net(chosen, promised(chosen))
        self.runs.setdefault(str(out or f"runs/{chosen.name}-1"), chosen)

    def sample(self, model: str, out: Path | None, strip: bool, film: bool, **rest: Any) -> None:
        if model.endswith(".png"):
            assert model in self.drawn, f"{model} was drawn by no command above"
            return
        kind = "strip" if strip else "film" if film else "grid"
        asked = {name: value for name, value in rest.items() if name in Request.__dataclass_fields__}
        Request(model, kind, **asked).resolve(self.untrained(model))
        if out is not None:
            outputs.writer_for(out, kind)
            self.drawn.add(str(out))

    def show(self, thing: str | None, **rest: Any) -> None:
        assert thing in {*recipe.bundled(), *BUNDLED, *data.DATASETS, *self.runs, None}

    def untrained(self, name: str) -> Model:
        """The model that is meant, with the weights of a fresh network."""
        run = name.partition("/checkpoints/")[0]
        if run in self.runs:
            chosen = self.runs[run]
        else:
            assert name in BUNDLED, f"{name} was trained by no command above"
            chosen = recipe.load(name)
        facts = promised(chosen)
        return Model(name, chosen, facts, model.build_net(chosen, facts), 0, "")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_is_one_that_inkwash_follows(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    reader = Reader()
    with own_tables():
        for block in blocks(text):
            if block.file and block.language == "python":
                run_python(block, {})
        found = told_commands(text)
        assert found
        for words in found:
            if words[1:2] and words[1].endswith(".toml"):
                continue  # a file that the document itself gives, and that runs above
            try:
                reader.follow(words)
            except Exception as error:
                pytest.fail(f"{document.name}: inkwash {shlex.join(words)}: {type(error).__name__}: {error}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_name_of_inkwash_is_there(document: Path) -> None:
    for span in spans(document.read_text(encoding="utf-8")):
        if re.fullmatch(r"inkwash(/[\w.-]+)+", span[1]):
            assert (ROOT / span[1]).exists(), span[1]
        if re.fullmatch(r"inkwash(\.\w+)+", span[1]):
            pkgutil.resolve_name(span[1])


def test_every_name_of_the_tables_of_stages_is_a_stage() -> None:
    stages = {name for name, _ in nets.AttentionUNet(1).named_children()}
    told = re.findall(r"^\| (?:Encoder|Decoder|Bottleneck)[^|]*\| (.*) \|$", FROM_THE_FIVE.read_text(), re.MULTILINE)
    named = {name for cell in told for name in re.findall(r"`(\w+)`", cell)}
    assert named == stages - {"condition", "out"}


@pytest.mark.parametrize("name", THE_FIVE)
def test_every_picture_of_a_run_is_one_that_the_recipe_draws(name: str) -> None:
    section = re.search(rf"^## {name}\n(.*?)^## ", FROM_THE_FIVE.read_text(), re.MULTILINE | re.DOTALL)
    assert section
    told = set(re.findall(r"RUN/samples/([\w-]+)\.png", section[1]))
    chosen = recipe.load(name)
    # the longest run that the section tells of: its pictures come "as far as the run goes"
    lengths = [chosen.training.length, *(f"{n} epochs" for n in re.findall(r"--epochs (\d+)", section[1]))]
    batch, count = chosen.training.batch, 59_000
    drawn = {moment for text in lengths for moment in _pictures(chosen, Length.parse(text).steps(batch, count), count)}
    assert told <= drawn


def _pictures(chosen: Recipe, total: int, count: int) -> set[str]:
    return set(chosen.milestones.names(total, chosen.training.batch, count).values())


def test_every_file_of_a_run_is_written() -> None:
    told = set(re.findall(r"RUN/((?:checkpoints/)?[\w-]+\.\w+)", FROM_THE_FIVE.read_text()))
    assert exit_code("inkwash train moons --steps 2 --set sampling.preview=ddim:1 --out RUN --quiet") == 0
    missing = {file for file in told if not (Path("RUN") / file).is_file()}
    assert told
    assert not missing
