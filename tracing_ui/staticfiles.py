"""Static files under hashed names, so that a browser may keep them for ever."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseStorageFinder
from django.core.files.storage import FileSystemStorage
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

PLOTLY_PREFIX = "vendor/plotly"
PLOTLY_FILE = "plotly.min.js"


class HashedModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Also rewrites `import "./x.js"`, or caches would mix versions of a page."""

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> Any:
        """Before the first collectstatic (tests, one-off commands) the plain name."""
        if not self.hashed_files:
            return name
        return super().stored_name(name)


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Answers with the bytes: an ASGI server cannot stream from a plain file."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b"" if found.file is None else read_and_close(found.file)
        response = HttpResponse(body, status=int(found.status))
        del response.headers["Content-Type"]  # the file's own, or none (304)
        for name, value in found.headers:
            response.headers[name] = value
        return response


def read_and_close(file: Any) -> bytes:
    with file:
        return bytes(file.read())


class PlotlyStorage(FileSystemStorage):
    """The folder of the plotly package that holds the script for browsers."""

    prefix = PLOTLY_PREFIX

    def __init__(self) -> None:
        super().__init__(location=plotly_dir())


class PlotlyFinder(BaseStorageFinder):
    """`vendor/plotly/plotly.min.js`, from the installed package and nothing else."""

    def __init__(self, *_: Any) -> None:
        self.storage = PlotlyStorage()

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:  # noqa: FBT001, FBT002
        found = path == f"{PLOTLY_PREFIX}/{PLOTLY_FILE}"
        full_path = str(plotly_dir() / PLOTLY_FILE)
        if find_all:
            return [full_path] if found else []
        return full_path if found else None

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Any]]:
        yield PLOTLY_FILE, self.storage


def plotly_dir() -> Path:
    """Found without importing plotly, which costs a tenth of a second."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("plotly")
    return Path(spec.origin).parent / "package_data"
