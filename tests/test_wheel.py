"""The built wheel is complete: installed outside the checkout, it samples from a bundled model."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_wheel_samples_in_an_empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    source, environment = tmp_path / "source", tmp_path / "environment"
    # a build leaves files beside its sources, so that it gets those that git lists, and no more
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).is_file() and (name.startswith("src/") or "/" not in name):
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((CHECKOUT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", "wheels", str(source)], check=True)
    (wheel,) = Path("wheels").iterdir()
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "-q", "install", "--no-deps", str(wheel)], check=True)
    # the dependencies are those of this environment; .pth files in it, such as an editable install, are not read
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    command = [str(environment / "bin" / "inkwash"), "sample", "digits", "-n", "2", "--sampler", "ddim:2"]
    subprocess.run([*command, "-o", "samples.png"], check=True)
    assert Path("samples.png").stat().st_size > 0
    where = [str(python), "-c", "import inkwash; print(inkwash.__file__)"]
    assert Path(subprocess.run(where, capture_output=True, text=True, check=True).stdout).is_relative_to(environment)
