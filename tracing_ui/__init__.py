"""The project: settings, URLs, the ASGI application, Celery and the supervisor."""
