"""The layers of inkwash: which package may import which, read from the source."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import inkwash

ROOT = Path(inkwash.__file__).parent
LIBRARY = (
    "text",
    "errors",
    "hardware",
    "io",
    "distributed",
    "core",
    "nets",
    "optim",
    "objectives",
    "data",
    "attributes",
    "metrics",
    "config",
    "model",
    "sampling",
    "training",
)
LABORATORY = ("viz", "checks", "runs", "evaluation", "lab")
APPLICATIONS = ("lessons", "api", "web", "export", "cli", "__main__")
ORDER = (*LIBRARY, *LABORATORY, *APPLICATIONS)
"""Every package and module of the root, from the lowest layer up: each imports only itself and those before it."""

DATA_FILES = {"recipes", "models", "extractors"}
"""Packages that hold data files only."""

TORCH_ONLY = ("core", "nets", "objectives")
TOUCHES_FILES = {"io", "json", "os", "pathlib", "pickle", "shutil", "tempfile"}


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_of(file): file for file in sorted(ROOT.rglob("*.py"))}


def imported(module: str, only_at_import_time: bool = False) -> Iterator[str]:
    """Yield the full names of the modules that `module` imports, at any place in the file."""
    tree = ast.parse(SOURCES[module].read_text(encoding="utf-8"))
    package = module if SOURCES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in top_level(tree) if only_at_import_time else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in SOURCES else base


def top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def layer(name: str) -> list[str]:
    return [module for module in SOURCES if within(module, f"inkwash.{name}")]


def test_every_package_has_its_place() -> None:
    packages = {module.split(".")[1] for module in SOURCES if "." in module}
    assert packages == {*ORDER, *DATA_FILES}


@pytest.mark.parametrize("name", ORDER)
def test_imports_go_downwards_only(name: str) -> None:
    below = {f"inkwash.{each}" for each in ORDER[: ORDER.index(name) + 1]} | {f"inkwash.{each}" for each in DATA_FILES}
    assert layer(name)
    above = {
        (module, other)
        for module in layer(name)
        for other in imported(module)
        if other != "inkwash" and within(other, "inkwash") and not any(within(other, each) for each in below)
    }
    assert not above


@pytest.mark.parametrize("name", TORCH_ONLY)
def test_the_mathematics_needs_only_torch_and_jaxtyping(name: str) -> None:
    outside = {other.partition(".")[0] for module in layer(name) for other in imported(module)}
    assert outside - set(sys.stdlib_module_names) <= {"inkwash", "jaxtyping", "torch"}
    assert not outside & TOUCHES_FILES


def test_imports_have_no_cycle() -> None:
    # A submodule also runs the __init__ of its package, which may be partly loaded then.
    graph = {
        module: {other for other in imported(module, only_at_import_time=True) if other in SOURCES and other != module}
        for module in SOURCES
    }
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(SOURCES)


def test_matplotlib_is_not_imported_at_import_time() -> None:
    early = {
        module
        for module in SOURCES
        if any(within(other, "matplotlib") for other in imported(module, only_at_import_time=True))
    }
    assert not early


def test_pickle_and_the_global_random_generator_are_not_used() -> None:
    users = {module for module in SOURCES if {"pickle", "random", "shelve", "dill"} & set(imported(module))}
    assert not users


def test_importing_inkwash_does_not_import_torch() -> None:
    program = "import sys, inkwash, inkwash.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT.parent, check=False).returncode == 0


def test_sampling_imports_what_it_needs_and_ends_the_pause_of_garbage_collection(tmp_path: Path) -> None:
    heavy = ["matplotlib", "scipy", "onnx", "diffusers", "torch._dynamo", "torch.export", "torch.onnx"]
    heavy += [
        f"inkwash.{name}" for name in ("training", "metrics", "runs", "evaluation", "lab", "api", "web", "export")
    ]
    program = f"""
import gc, sys, torch
of_torch = set(sys.modules)
from inkwash.cli import main
sys.argv = ["inkwash", "sample", "digits", "-n", "1", "--steps", "1", "-o", "x.png", "--quiet"]
try:
    main()
except SystemExit as exit:
    assert exit.code == 0
assert gc.isenabled() and gc.get_freeze_count()
unused = {heavy}
print(sorted({{name for name in unused if name in sys.modules}} - of_torch))
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT.parent)}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "[]\n"), ended.stderr


def test_every_public_name_exists() -> None:
    for name in getattr(inkwash, "__all__"):  # noqa: B009
        assert getattr(inkwash, name) is not None
    assert not hasattr(inkwash, "no_such_name")


def test_renamed_constant_is_answered_with_its_new_name() -> None:
    with pytest.raises(AttributeError, match="DEFAULT_MODEL"):
        getattr(inkwash, "USUAL")  # noqa: B009
