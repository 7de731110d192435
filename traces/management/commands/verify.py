"""`manage.py verify`: check every segment and every file."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from traces.store import catalogue
from traces.store.base import StoreError
from traces.store.integrity import verify
from traces.store.opening import files_from_settings


class Command(BaseCommand):
    requires_system_checks = ()  # they import every page
    help = (
        "Compare every segment with its catalogue row, checksum included. Damaged"
        " segments are quarantined; exit status 1 when anything is wrong."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            findings = verify(files_from_settings())
            segments = catalogue.live()
        except StoreError as error:
            raise CommandError(str(error)) from error
        for finding in findings:
            self.stdout.write(f"{finding.name}: {finding.fault}")
        if findings:
            raise CommandError(f"{len(findings)} found.")
        spans = sum(row.span_count for row in segments)
        self.stdout.write(f"{len(segments)} segments with {spans} spans are sound.")
