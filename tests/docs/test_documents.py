"""The documents are true: what they tell you to run runs, and what they name is there."""

from __future__ import annotations

import inspect
import pkgutil
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from cyclopts import CycloptsError
from PIL import Image
from torch import nn

from inkwash import cli, core, model, nets, objectives
from inkwash.cli.tables.recipes import expected_spec
from inkwash.config import recipe
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.data import DATASETS
from inkwash.errors import InkwashError
from inkwash.evaluation import plan
from inkwash.lab import EXPERIMENTS
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest
from inkwash.viz import writers
from inkwash.viz.samples import Kind
from inkwash.viz.writers import Writer

ROOT = Path(__file__).parents[2]
EXTENDING = ROOT / "docs" / "extending.md"
FROM_THE_FIVE = ROOT / "docs" / "from-the-five.md"
THE_FIVE = ("ddpm-bn", "cfg-cosine", "ddim-300", "simple-unet", "attention-unet")
BUNDLED = tuple(model.bundled())
"""The models that a document may take for granted."""
DOCUMENTS = [
    path
    for path in (
        FROM_THE_FIVE,
        EXTENDING,
        ROOT / "docs" / "quality.md",
        ROOT / "docs" / "speed.md",
        ROOT / "docs" / "playground.md",
        ROOT / "docs" / "scaling.md",
        ROOT / "docs" / "overview.md",
        ROOT / "docs" / "gallery.md",
        ROOT / "README.md",
    )
    if path.is_file()
]
TABLES: tuple[dict[str, Any], ...] = (
    core.SCHEDULES,
    core.WARPS,
    core.DENSITIES,
    core.TARGETS,
    core.SAMPLERS,
    objectives.WEIGHTS,
    nets.NETS,
    DATASETS,
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


@dataclass
class Reader:
    """Follows a document's commands without training or drawing: what each needs must be there or made before."""

    patch: pytest.MonkeyPatch
    runs: dict[str, Recipe] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)

    def follow(self, words: list[str]) -> None:
        told, bound, _ = cli.app.parse_args(words, exit_on_error=False, print_error=False)
        bound.apply_defaults()
        if told.__name__ == "train":
            self.train(**bound.arguments)
        elif told.__name__ == "sample":
            self.sample(told, bound)
        elif told.__name__ == "show":
            assert bound.arguments["thing"] in {*recipe.bundled(), *BUNDLED, *DATASETS, *self.runs, None}
        elif told.__name__ == "evaluate":
            self.evaluate(**bound.arguments)
        elif told.__name__ == "lab":
            assert bound.arguments["name"] in {*EXPERIMENTS, None}

    def train(self, what: str, data: str | None, out: Path | None, set_: tuple[str, ...], **rest: Any) -> None:
        if what in self.runs:
            return
        if rest["checkpoint_every"] is not None:
            Length.parse(rest["checkpoint_every"])
        chosen = recipe.load(what).with_changes(set_)
        for spec in (chosen.data.name, data):
            assert spec is None or spec in DATASETS or spec.isupper() or "/" in spec, f"there is no data {spec}"
        unfilled(chosen)
        self.runs.setdefault(str(out or f"runs/{chosen.name}-1"), chosen)

    def sample(self, told: Callable[..., Any], bound: inspect.BoundArguments) -> None:
        """The command itself, with a network without weights, and nothing written."""
        source, out = bound.arguments["model"], bound.arguments["out"]
        if source.endswith(".png"):
            assert source in self.drawn, f"{source} was drawn by no command above"
            return
        for given in ("from_", "mask"):
            # a drawing is the reader's own
            if bound.arguments.get(given) is not None:
                Image.new("L", (28, 28), "white").save(bound.arguments[given])
        writer_for = writers.writer_for

        def silent(target: Path, kind: Kind) -> Writer:
            writer_for(target, kind)
            return lambda *arguments: None

        with self.patch.context() as instead:
            instead.setattr(model, "load", lambda name, device: self.untrained(name))
            instead.setattr(writers, "writer_for", silent)
            assert told(*bound.args, **bound.kwargs) == 0
        self.drawn.add(str(out))

    def evaluate(self, what: str, others: tuple[str, ...], sampler: str | None, **rest: Any) -> None:
        models = [self.untrained(thing) for thing in (what, *others) if not thing.endswith(".npz")]
        weights = plan.parse_weights(rest["guidance"])
        plan.settings_for(models, plan.split_list(sampler), weights, SampleRequest())

    def untrained(self, name: str) -> Model:
        run = name.partition("/checkpoints/")[0]
        assert run in {*self.runs, *BUNDLED}, f"{name} was trained by no command above"
        chosen = self.runs.get(run) or recipe.load(name)
        return Model(name, chosen, expected_spec(chosen), unfilled(chosen), 0, "")


def unfilled(chosen: Recipe) -> nn.Module:
    """The recipe's network without memory for its weights."""
    with torch.device("meta"):
        return model.build_net(chosen, expected_spec(chosen))


def test_extending_runs_from_top_to_bottom(monkeypatch: pytest.MonkeyPatch) -> None:
    namespace: dict[str, object] = {"__name__": "extending"}
    with own_tables():
        for block in blocks(EXTENDING.read_text(encoding="utf-8")):
            if block.file:
                with Path(block.file).open("a", encoding="utf-8") as file:
                    file.write(f"{block.text}\n\n")
            if block.language == "python":
                run_python(block, namespace)
            for command in block.commands():
                if block.runs:
                    assert exit_code(command) == 0, f"{EXTENDING.name}, block at line {block.line}: {command}"
                else:
                    Reader(monkeypatch).follow(shlex.split(command)[1:])


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path != EXTENDING], ids=lambda path: path.name)
def test_every_command_is_one_that_inkwash_follows(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(monkeypatch)
    found = told_commands(document.read_text(encoding="utf-8"))
    assert found
    for words in found:
        try:
            reader.follow(words)
        except Exception as error:
            pytest.fail(f"{document.name}: inkwash {shlex.join(words)}: {type(error).__name__}: {error}")


@pytest.mark.parametrize(
    "words",
    [
        "sample ddim-300 --sampler ddmi:50",
        "sample ddim-300 --sampler ddim:500",
        "sample ddim-300 --guidance 2",
        "sample ddim-300 --strip -o strip.npz",
        "sample cfg-cosine --label 10",
        "sample runs/ddpm-bn-1",
        "sample digits.png",
        "train ddim300",
        "train ddim-300 --step 5",
        "train ddim-300 --set optimizer.rate=1e-3",
        "train ddim-300 --data nmist",
        "show ddim300",
        "generate ddim-300",
    ],
)
def test_a_command_that_inkwash_does_not_follow_is_found(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((InkwashError, CycloptsError, AssertionError)):
        Reader(monkeypatch).follow(words.split())


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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", text, re.M)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, place = target.partition("#")
        if not target.startswith(("http:", "https:")):
            assert (document.parent / file).exists(), target
            assert file or place in headings, target
