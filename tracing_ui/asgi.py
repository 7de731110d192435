"""The web process's application: pages and the API."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracing_ui.settings")

pages = get_asgi_application()

# What follows needs Django to be set up.
from django.conf import settings  # noqa: E402
from django.urls import reverse  # noqa: E402

from tracing_ui.body_guard import AROUND_FILES_BYTES, BodyGuard  # noqa: E402
from tracing_ui.spool import prepare_spool  # noqa: E402

prepare_spool()
application = BodyGuard(
    pages, {reverse("upload"): settings.MAX_UPLOAD_BYTES + AROUND_FILES_BYTES}
)
