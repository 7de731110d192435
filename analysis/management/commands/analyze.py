"""`manage.py analyze`: analyse now what the worker would analyse by and by."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analysis.models import AnalysedMinute
from analysis.results.arrivals import mark_arrivals
from analysis.results.changes import Change, mark, waiting
from analysis.results.measures import MINUTE
from analysis.results.minutes import analyse_due
from traces.store.base import StoreError
from traces.store.current import current_segment_store

BAR_WIDTH = 30


class Command(BaseCommand):
    requires_system_checks = ()  # they import every page
    help = "Analyse the minutes that spans came for since the last time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--again", action="store_true", help="also the minutes analysed before"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = self.analyse(again=options["again"])
        except StoreError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Analysed {done} minutes and hours.")

    def analyse(self, *, again: bool) -> int:
        store = current_segment_store()
        mark_arrivals(store)
        if again:
            known = AnalysedMinute.objects.filter(minutes=MINUTE)
            mark(MINUTE, known.values_list("minute", flat=True))
        self.total, self.done = waiting(), 0
        return analyse_due(
            store, float("inf"), settle=timedelta(0), after_each=self.show
        )

    def show(self, change: Change) -> None:
        """A bar, where somebody is looking."""
        self.done += change.minutes == MINUTE
        if not self.stdout.isatty() or not self.total:
            return
        filled = BAR_WIDTH * min(self.done, self.total) // self.total
        bar = "█" * filled + "░" * (BAR_WIDTH - filled)
        self.stdout.write(f"\r{bar} {self.done:,} of {self.total:,} minutes", ending="")
        if self.done == self.total:
            self.stdout.write("")
