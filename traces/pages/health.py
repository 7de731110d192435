"""`GET /healthz`: is every part of the server ready?"""

import tempfile
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tracing_ui.supervise.listening import receiver_ports

# The worker touches its file every second.
HEARTBEAT_MAX_AGE_SECONDS = 30


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when all of HEALTH_CHECKS are ready, else 503; the body says which.

    Only words of our own: no versions, addresses or error texts for strangers."""
    ready = {name: CHECKS[name]() for name in settings.HEALTH_CHECKS}
    checks = {name: "ready" if ok else "not ready" for name, ok in ready.items()}
    status = "ready" if all(ready.values()) else "not ready"
    return JsonResponse(
        {"status": status, "checks": checks}, status=200 if status == "ready" else 503
    )


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def data_folder_is_writable() -> bool:
    try:
        with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
            file.write(b"ready")
    except OSError:
        return False
    return True


def ingest_listens() -> bool:
    return all(port.answers() for port in receiver_ports().values())


def worker_is_alive() -> bool:
    try:
        touched_at = settings.WORKER_HEARTBEAT_FILE.stat().st_mtime
    except OSError:
        return False
    # A clock that was set back makes the age negative: alive all the same.
    return time.time() - touched_at < HEARTBEAT_MAX_AGE_SECONDS


CHECKS: dict[str, Callable[[], bool]] = {
    "database": database_answers,
    "data_folder": data_folder_is_writable,
    "ingest": ingest_listens,
    "worker": worker_is_alive,
}
