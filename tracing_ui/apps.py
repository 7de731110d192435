"""Which static files of the libraries are collected."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """Leaves out what no page loads; some of it names files that are not there."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "ext",  # htmx's extensions
        "*-4.*",  # htmx 4, not the version we use
        "rest_framework",  # the browsable API, which is off
    ]
