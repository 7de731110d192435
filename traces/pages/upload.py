"""Upload of trace files: a form, then the trace, or a page on what came of the files.

Without a script the answer is a redirect, or the form with what is wrong. A script asks
for JSON and gets the address to go to, or `errors` as the API words them.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, NamedTuple, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from traces.pages.upload_result import REASONS_SHOWN, UploadResult, result_of
from traces.receivers.files import CountedInput
from traces.receivers.importing import Tally, import_file, printable
from traces.search.problems import RETRY_AFTER_SECONDS
from traces.store.base import StoreError
from traces.store.current import current_store

log = logging.getLogger(__name__)

FIELD: Final = "files"
STORED_AT_ONCE: Final = 2
LABEL_CHARACTERS: Final = 80

_storing = threading.BoundedSemaphore(STORED_AT_ONCE)


class UploadProblem(NamedTuple):
    """An HTTP status, a title and a sentence for the person, and reasons one by one."""

    status: int
    title: str
    advice: str
    reasons: tuple[str, ...] = ()


# The body is read before the check of the form's origin, so that the person learns
# what is wrong with it; nothing is stored before that check.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponseBase:
    if request.method != "POST":
        return _page(request, None)
    problem = _problem_of_form(request)
    return _refused(request, problem) if problem else _store(request)


@csrf_protect
def _store(request: HttpRequest) -> HttpResponseBase:
    files = request.FILES.getlist(FIELD)
    problem = _problem_of_files(files)
    if problem is None and not _storing.acquire(blocking=False):
        problem = _busy()
    if problem is not None:
        return _refused(request, problem)
    try:
        tally = import_files(files)
    except StoreError as error:
        log.warning("An upload could not be stored: %s", error)
        return _refused(request, _store_away(error))
    finally:
        _storing.release()
    return _answer(request, tally)


def import_files(files: "Sequence[UploadedFile[Any]]") -> Tally:
    """What came of the files. Raises StoreError."""
    tally = Tally()
    for file in files:
        import_file(
            label_of(file.name),
            CountedInput(cast(BinaryIO, file), file.size),
            tally,
            current_store().write,
            max_unpacked_bytes=settings.MAX_UPLOAD_UNPACKED_BYTES,
        )
    return tally


def label_of(name: str | None) -> str:
    """The file's name for people; it never becomes part of a path."""
    label = printable(name or "")
    if len(label) > LABEL_CHARACTERS:
        label = label[: LABEL_CHARACTERS - 1] + "…"
    return label or "a file without a name"


def _problem_of_form(request: HttpRequest) -> UploadProblem | None:
    """Reading the form is what finds these."""
    try:
        request.FILES  # noqa: B018 - reads the body
    except RequestDataTooBig:
        return UploadProblem(
            413, "A field of the form is too large", "Send files, not text."
        )
    except (MultiPartParserError, SuspiciousOperation) as error:
        log.info("An upload could not be read: %s", error)
        most = settings.DATA_UPLOAD_MAX_NUMBER_FILES
        return UploadProblem(
            400,
            "This upload cannot be read",
            f"It is cut off, or has more than {most} files. Send fewer at a time.",
        )
    except OSError as error:
        return _store_away(error)
    return None


def _problem_of_files(files: "Sequence[UploadedFile[Any]]") -> UploadProblem | None:
    if not files:
        return UploadProblem(400, "No file was chosen", "Choose one, then upload it.")
    most = settings.MAX_UPLOAD_BYTES
    if sum(file.size or 0 for file in files) > most:
        return UploadProblem(
            413,
            "The files are too large",
            f"One upload may hold {most:,} bytes. Send fewer files at a time, pack them"
            " with gzip, or use manage.py import on the server.",
        )
    return None


def _busy() -> UploadProblem:
    return UploadProblem(
        503,
        "Other uploads are being stored",
        "Nothing of this one was. Send it again in a few seconds.",
    )


def _store_away(error: Exception) -> UploadProblem:
    why = error.strerror if isinstance(error, OSError) else error
    return UploadProblem(
        503,
        "The spans cannot be stored now",
        f"The reason: {why}. Send the files again in a few seconds; what is stored"
        " already will not be counted twice.",
    )


def _answer(request: HttpRequest, tally: Tally) -> HttpResponseBase:
    result = result_of(tally)
    if not result.stored:
        return _refused(request, _nothing_stored(tally, result))
    if result.is_one_whole_trace:
        address = reverse("trace-detail", args=[result.traces[0].trace_id])
    else:
        address = reverse("upload-result") + "?of=" + result.to_text()
    if _wants_json(request):
        return JsonResponse({"location": address}, status=201)
    response = redirect(address)
    response.status_code = 303
    return response


def _nothing_stored(tally: Tally, result: UploadResult) -> UploadProblem:
    reasons = [*result.unreadable.lines(), *result.refused.lines()]
    reasons += result.warnings.lines()
    if tally.unreadable.total:
        title = "Nothing in this could be read as traces"
    else:
        title = "There is no span in this"
    return UploadProblem(
        400, title, "Nothing was stored.", tuple(reasons[:REASONS_SHOWN])
    )


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def _refused(request: HttpRequest, problem: UploadProblem) -> HttpResponse:
    response: HttpResponse
    if _wants_json(request):
        lines = (f"{problem.title}. {problem.advice}", *problem.reasons)
        errors = [{"message": line} for line in lines]
        response = JsonResponse({"errors": errors}, status=problem.status)
    else:
        response = _page(request, problem)
    if problem.status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _page(request: HttpRequest, problem: UploadProblem | None) -> HttpResponse:
    context = {
        "problem": problem,
        "most_bytes": settings.MAX_UPLOAD_BYTES,
        "most_files": settings.DATA_UPLOAD_MAX_NUMBER_FILES,
        "most_document_bytes": settings.MAX_BODY_BYTES,
        "most_unpacked_bytes": settings.MAX_UPLOAD_UNPACKED_BYTES,
    }
    status = problem.status if problem else 200
    response = render(request, "traces/upload.html", context, status=status)
    patch_cache_control(response, no_cache=True)
    return response
