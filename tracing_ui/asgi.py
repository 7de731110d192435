"""The web process's application: pages and the API."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracing_ui.settings")

application = get_asgi_application()
