"""The commands in the documents run, and the names, files and links in them exist."""

from __future__ import annotations

import inspect
import pkgutil
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
from inkwash.data.spec import QUANTILES, AttributeSpec
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
PYTHON = ROOT / "docs" / "python.md"
FROM_THE_FIVE = ROOT / "docs" / "from-the-five.md"
THE_FIVE = ("ddpm-bn", "cfg-cosine", "ddim-300", "simple-unet", "attention-unet")
BUNDLED = tuple(model.bundled())
"""The models that a document may use without training them first."""
NAMES = ("words", "quality", "speed", "playground", "scaling", "overview", "gallery")
DOCUMENTS = [FROM_THE_FIVE, EXTENDING, PYTHON, *(ROOT / "docs" / f"{name}.md" for name in NAMES), ROOT / "README.md"]
LESSONS = sorted((ROOT / "docs" / "learn").glob("[0-9]*.md"))
COMPONENTS = (core.SCHEDULES, core.WARPS, core.DENSITIES, core.TARGETS, core.SAMPLERS)
NETWORKS: dict[str, nn.Module] = {}
"""Networks that were built before, by section and data."""
TABLES: tuple[dict[str, Any], ...] = (*COMPONENTS, objectives.WEIGHTS, nets.NETS, DATASETS)


class Block(NamedTuple):
    """A fenced block: its language, its text, the number of its first line, and whether it is marked to run."""

    language: str
    text: str
    line: int
    runs: bool

    @property
    def file(self) -> str | None:
        """The file that the block belongs to, which its first line names."""
        named = re.match(r"# (\S+\.(py|toml))\n", self.text)
        return named[1] if named else None

    def commands(self) -> list[str]:
        """Return the `inkwash ...` lines; a line that ends in a backslash is joined to the next."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if line.startswith("inkwash ")]


def blocks(text: str) -> list[Block]:
    fences = re.finditer(r"(<!-- runs -->\n)?^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(m[2], m[3], text.count("\n", 0, m.start(3)) + 1, bool(m[1])) for m in fences]


def spans(text: str) -> list[re.Match[str]]:
    """Return the `code` spans of a document outside of its fenced blocks."""
    unfenced = re.sub(r"^```.*?^```$", lambda m: " " * len(m[0]), text, flags=re.MULTILINE | re.DOTALL)
    return list(re.finditer(r"`([^`\n]+)`", unfenced))


def complete_commands(text: str) -> list[list[str]]:
    """Return the words of every complete command in their order, without those with a placeholder in capitals."""
    placed = [(block.line, line) for block in blocks(text) for line in block.commands()]
    placed += [(text.count("\n", 0, m.start()) + 1, m[1]) for m in spans(text) if m[1].startswith("inkwash ")]
    words = [shlex.split(line, comments=True)[1:] for _, line in sorted(placed, key=lambda place: place[0])]
    return [some for some in words if not (len(some) > 1 and some[1].isupper())]


@contextmanager
def restored_tables() -> Iterator[None]:
    """Restore the tables of components afterwards."""
    before = [dict(table) for table in TABLES]
    try:
        yield
    finally:
        for table, rows in zip(TABLES, before, strict=True):
            table.clear()
            table.update(rows)


def run_python(document: Path, block: Block, namespace: dict[str, object]) -> None:
    # Empty lines before the block give a traceback the line numbers of the document.
    source = "\n" * (block.line - 1) + block.text
    exec(compile(source, str(document), "exec", dont_inherit=True), namespace)


def exit_code(command: str) -> object:
    with restored_tables(), pytest.raises(SystemExit) as left:
        cli.main(shlex.split(command)[1:])
    return left.value.code


@dataclass
class CommandChecker:
    """Checks the commands of a document without training or sampling: their inputs must exist or be made before."""

    patch: pytest.MonkeyPatch
    runs: dict[str, Recipe] = field(default_factory=dict)
    sampled: set[str] = field(default_factory=set)

    def check(self, words: list[str]) -> None:
        command, bound, _ = cli.app.parse_args(words, exit_on_error=False, print_error=False)
        bound.apply_defaults()
        if command.__name__ == "train":
            self.train(**bound.arguments)
        elif command.__name__ == "sample":
            self.sample(command, bound)
        elif command.__name__ == "show":
            assert bound.arguments["thing"] in {*recipe.bundled(), *BUNDLED, *DATASETS, *self.runs, None}
        elif command.__name__ == "evaluate":
            self.evaluate(**bound.arguments)
        elif command.__name__ == "lab":
            assert bound.arguments["name"] in {*EXPERIMENTS, None}

    def train(self, what: str, data: str | None, out: Path | None, set_: tuple[str, ...], **rest: Any) -> None:
        if what in self.runs:
            return
        if rest["checkpoint_every"] is not None:
            Length.parse(rest["checkpoint_every"])
        chosen = recipe.load(what).with_changes(set_)
        for spec in (chosen.data.name, data):
            assert spec is None or spec in DATASETS or spec.isupper() or "/" in spec, f"there is no data {spec}"
        network_without_memory(chosen)
        self.runs.setdefault(str(out or f"runs/{chosen.name}-1"), chosen)

    def sample(self, command: Callable[..., Any], bound: inspect.BoundArguments) -> None:
        """Call the command with a network without weights, and write nothing."""
        source, out = bound.arguments["model"], bound.arguments["out"]
        if source.endswith(".png"):
            assert source in self.sampled, f"{source} is sampled by no command above"
            return
        if bound.arguments["encode"]:
            # A network without memory cannot predict the image that is encoded.
            assert str(bound.arguments["from_"]) in self.sampled, (
                f"{bound.arguments['from_']} is sampled by no command above"
            )
            return
        for given in ("from_", "mask"):
            # The user draws these images.
            if bound.arguments.get(given) is not None:
                Image.new("L", (28, 28), "white").save(bound.arguments[given])
        writer_for = writers.writer_for

        def silent(target: Path, kind: Kind) -> Writer:
            writer_for(target, kind)
            return lambda *arguments: None

        with self.patch.context() as instead:
            instead.setattr(model, "load", lambda name, device: self.untrained(name))
            instead.setattr(writers, "writer_for", silent)
            assert command(*bound.args, **bound.kwargs) == 0
        self.sampled.add(str(out))

    def evaluate(self, what: str, others: tuple[str, ...], sampler: str | None, **rest: Any) -> None:
        models = [self.untrained(thing) for thing in (what, *others) if not thing.endswith(".npz")]
        weights = plan.parse_guidance(rest["guidance"])
        plan.settings_for(models, plan.split_list(sampler), weights, SampleRequest())

    def untrained(self, name: str) -> Model:
        run = name.partition("/checkpoints/")[0]
        assert run in {*self.runs, *BUNDLED}, f"{name} is trained by no command above"
        chosen = self.runs.get(run) or recipe.load(name)
        quantiles = tuple(range(-len(QUANTILES), len(QUANTILES), 2))
        attributes = tuple(AttributeSpec(each, 0, 1, quantiles) for each in chosen.network.attributes)
        spec = replace(expected_spec(chosen), attributes=attributes)
        return Model(name, chosen, spec, network_without_memory(chosen), 0, "")


def network_without_memory(chosen: Recipe) -> nn.Module:
    """Return the network of a recipe without memory for its weights, the same one for equal sections [network]."""
    key = repr((chosen.network, expected_spec(chosen)))
    if key not in NETWORKS:
        with torch.device("meta"):
            NETWORKS[key] = model.build_net(chosen, expected_spec(chosen))
    return NETWORKS[key]


@pytest.mark.slow
@pytest.mark.parametrize("document", [EXTENDING, PYTHON], ids=lambda document: document.name)
def test_a_session_runs_from_top_to_bottom(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace: dict[str, object] = {"__name__": document.stem}
    with restored_tables():
        for block in blocks(document.read_text(encoding="utf-8")):
            if block.file:
                with Path(block.file).open("a", encoding="utf-8") as file:
                    file.write(f"{block.text}\n\n")
            if block.language == "python":
                run_python(document, block, namespace)
            for command in block.commands():
                if block.runs:
                    assert exit_code(command) == 0, f"{document.name}, block at line {block.line}: {command}"
                else:
                    CommandChecker(monkeypatch).check(shlex.split(command)[1:])


@pytest.mark.parametrize(
    "document", [*(path for path in DOCUMENTS if path not in (EXTENDING, PYTHON)), *LESSONS], ids=lambda path: path.name
)
def test_every_command_is_valid(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checker = CommandChecker(monkeypatch)
    found = complete_commands(document.read_text(encoding="utf-8"))
    assert found
    for words in found:
        try:
            checker.check(words)
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
def test_an_invalid_command_is_found(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((InkwashError, CycloptsError, AssertionError)):
        CommandChecker(monkeypatch).check(words.split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_and_file_exists(document: Path) -> None:
    for span in spans(document.read_text(encoding="utf-8")):
        if re.fullmatch(r"inkwash(/[\w.-]+)+", span[1]):
            assert (ROOT / span[1]).exists(), span[1]
        if re.fullmatch(r"inkwash(\.\w+)+", span[1]):
            pkgutil.resolve_name(span[1])


def test_the_tables_of_stages_name_all_stages() -> None:
    stages = {name for name, _ in nets.AttentionUNet(1).named_children()}
    cells = re.findall(r"^\| (?:Encoder|Decoder|Bottleneck)[^|]*\| (.*) \|$", FROM_THE_FIVE.read_text(), re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == stages - {"condition", "out"}


@pytest.mark.parametrize("name", THE_FIVE)
def test_every_preview_of_a_run_is_a_milestone_of_its_recipe(name: str) -> None:
    section = re.search(rf"^## {name}\n(.*?)^## ", FROM_THE_FIVE.read_text(), re.MULTILINE | re.DOTALL)
    assert section
    previews = set(re.findall(r"RUN/samples/([\w-]+)\.png", section[1]))
    chosen = recipe.load(name)
    # Previews may be those of any length that the section mentions.
    lengths = [chosen.training.length, *(f"{n} epochs" for n in re.findall(r"--epochs (\d+)", section[1]))]
    batch, count = chosen.training.batch, 59_000
    totals = [Length.parse(text).steps(batch, count) for text in lengths]
    assert previews <= {name for total in totals for name in chosen.milestones.names(total, batch, count).values()}


def test_every_file_of_a_run_is_written() -> None:
    files = set(re.findall(r"RUN/((?:checkpoints/)?[\w-]+\.\w+)", FROM_THE_FIVE.read_text()))
    assert exit_code("inkwash train moons --steps 2 --set sampling.preview=ddim:1 --out RUN --quiet") == 0
    missing = {file for file in files if not (Path("RUN") / file).is_file()}
    assert files and not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_has_a_target(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", text, re.M)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if not target.startswith(("http:", "https:")):
            assert (document.parent / file).exists(), target
            assert file or anchor in headings, target
