"""`manage.py web`: the pages and the API, alone."""

from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

GRACEFUL_STOP_SECONDS = 10


class Command(BaseCommand):
    help = "Serve the pages and the API on HOST:WEB_PORT."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("collectstatic", interactive=False, verbosity=0)
        settings.WHITENOISE_USE_FINDERS = False
        uvicorn.run(
            "tracing_ui.asgi:application",
            host=settings.HOST,
            port=settings.WEB_PORT,
            access_log=False,
            log_config=None,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACEFUL_STOP_SECONDS,
        )
