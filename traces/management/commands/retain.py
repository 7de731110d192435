"""`manage.py retain`: drop segments past retention now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from traces.store import lease
from traces.store.base import StoreError
from traces.store.opening import files_from_settings
from traces.store.retention import ClockJumped, retain, settings_for_retention


class Command(BaseCommand):
    requires_system_checks = ()  # they import every page
    help = "Drop segments that are older than RETENTION_HOURS or over MAX_DISK_BYTES."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--believe-clock",
            action="store_true",
            help="the clock is right, though it is far from the last run",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = retain(
                files_from_settings(),
                settings_for_retention(),
                believe_clock=options["believe_clock"],
            )
        except lease.HeldElsewhere:
            raise CommandError("A worker is at it at this moment.") from None
        except (ClockJumped, StoreError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{report.retired_segments} segments with {report.retired_spans} spans"
            f" retired; {report.removed_files} files removed."
        )
