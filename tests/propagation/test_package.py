"""The package stands alone: without Django, without the project, installed or not."""

import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from opentelemetry.propagators.textmap import TextMapPropagator

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "propagation"

ALONE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        blocked = ("django", "traces", "tracing_ui", "analysis", "opentelemetry.sdk")
        if name.startswith(blocked):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
import propagation
headers = {}
context = propagation.AnyFormatPropagator().extract({"b3": sys.argv[1]})
propagation.MessageQueuePropagator().inject(headers, context)
print(headers["traceparent"])
"""


def run_alone(*, path: Path) -> str:
    ids = f"{'1' * 32}-{'2' * 16}-0"
    command = [sys.executable, "-c", ALONE, ids]
    ended = subprocess.run(
        command, cwd=path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.mark.slow
def test_it_works_where_django_and_the_sdk_cannot_be_imported():
    assert run_alone(path=ROOT) == f"00-{'1' * 32}-{'2' * 16}-00"


@pytest.mark.slow
def test_what_is_built_from_it_is_the_whole_package(tmp_path):
    pytest.importorskip("setuptools")
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    build = "import setuptools; setuptools.setup()"
    built = tmp_path / "built"
    subprocess.run(
        [sys.executable, "-c", build, "-q", "build", "--build-lib", str(built)],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=120,
    )
    names = {path.name for path in (built / "propagation").iterdir()}
    assert names == {path.name for path in PACKAGE.glob("*.py")} | {"py.typed"}
    assert run_alone(path=built) == f"00-{'1' * 32}-{'2' * 16}-00"


def test_what_otel_propagators_may_name_is_there():
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    assert [name.split(">")[0] for name in project["dependencies"]] == [
        "opentelemetry-api"
    ]
    for name, value in project["entry-points"]["opentelemetry_propagator"].items():
        made = EntryPoint(name, value, "opentelemetry_propagator").load()()
        assert isinstance(made, TextMapPropagator)
