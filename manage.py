#!/usr/bin/env python
"""The project's command line: `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracing_ui.settings")
    from tracing_ui.env import exit_on_bad_setting

    with exit_on_bad_setting():
        import tracing_ui.settings  # noqa: F401
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
