"""The Celery application: `celery -A tracing_ui worker -B` runs the background work."""

import os
import warnings
from typing import Any

from celery import Celery, bootsteps
from celery.exceptions import SecurityWarning
from django.conf import settings

from tracing_ui.broker import make_folders
from tracing_ui.env import exit_on_bad_setting

# Its timer also decides how long a stopping worker may sleep on.
HEARTBEAT_SECONDS = 1

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracing_ui.settings")
# A container's only user is often root, and messages are JSON, never pickles.
warnings.filterwarnings("ignore", category=SecurityWarning)


class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Touches a file for /healthz, also while the pool is busy with a long task."""

    requires = ("celery.worker.components:Timer",)

    def start(self, worker: Any) -> None:
        touch_heartbeat()
        self.timer = worker.timer.call_repeatedly(HEARTBEAT_SECONDS, touch_heartbeat)

    def stop(self, worker: Any) -> None:
        self.timer.cancel()
        settings.WORKER_HEARTBEAT_FILE.unlink(missing_ok=True)


def touch_heartbeat() -> None:
    settings.WORKER_HEARTBEAT_FILE.touch()


def make_app() -> Celery:
    celery_app = Celery("tracing_ui")
    with exit_on_bad_setting():
        celery_app.config_from_object("django.conf:settings", namespace="CELERY")
        if not settings.REDIS_URL:
            make_folders(settings.BROKER_DIR)
    celery_app.autodiscover_tasks()
    celery_app.steps["worker"].add(Heartbeat)
    return celery_app


app = make_app()
