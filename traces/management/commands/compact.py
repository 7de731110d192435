"""`manage.py compact`: merge segments now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from traces.store import lease
from traces.store.base import StoreError
from traces.store.compaction import compact, settings_for_compaction
from traces.store.opening import files_from_settings


class Command(BaseCommand):
    requires_system_checks = ()  # they import every page
    help = "Merge small segments and remove files that are no longer needed."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = compact(files_from_settings(), settings_for_compaction())
        except lease.HeldElsewhere:
            raise CommandError("A worker is compacting at this moment.") from None
        except StoreError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{report.merged_segments} segments became {report.written_segments};"
            f" {report.adopted} adopted, {report.removed_files} files removed."
        )
