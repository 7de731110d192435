"""The Celery application: `celery -A tracing_ui worker -B` runs the background work."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracing_ui.settings")

app = Celery("tracing_ui")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
