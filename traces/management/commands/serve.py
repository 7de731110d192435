"""`manage.py serve`: ingest, web and worker on this machine, with one command."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from traces.receivers.sampling import BadStrategies, strategies_from_settings
from tracing_ui.supervise.child import Child
from tracing_ui.supervise.listening import all_ports, receiver_addresses, web_port
from tracing_ui.supervise.lock import DataFolderInUse, lock_data_folder
from tracing_ui.supervise.ports import PortUnavailable
from tracing_ui.supervise.supervisor import Supervisor


class Command(BaseCommand):
    help = "Run the receivers, the pages and the background worker until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        make_data_folder()
        try:
            strategies_from_settings()
            lock = lock_data_folder(settings.DATA_DIR)
            for port in all_ports():
                port.require_free()
        except (DataFolderInUse, BadStrategies, PortUnavailable) as error:
            raise CommandError(str(error)) from None
        with lock, suppress(KeyboardInterrupt):
            migrate()
            self.say(banner())
            stages = [self.ingest(lock.fileno()), pages_and_worker(lock.fileno())]
            Supervisor(stages, all_ports(), self.say).run()

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def ingest(self, lock_fd: int) -> list[Child]:
        if "ingest" not in get_commands():
            self.say("No `ingest` command in this installation: no spans are taken.")
            return []
        return [Child("ingest", django_command("ingest"), (lock_fd,))]


def make_data_folder() -> None:
    try:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"DATA_DIR={settings.DATA_DIR} cannot be made ({error.strerror})."
        ) from None


def migrate() -> None:
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except OperationalError as error:
        raise CommandError(
            f"The database of DATABASE_URL does not answer: {error}"
        ) from None


def pages_and_worker(lock_fd: int) -> list[Child]:
    return [
        Child("web", django_command("web"), (lock_fd,)),
        Child("worker", worker_command(), (lock_fd,)),
    ]


def django_command(name: str) -> Sequence[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), name]


def worker_command() -> Sequence[str]:
    celery = [sys.executable, "-m", "celery", "--app", "tracing_ui", "--quiet"]
    lonely = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return [*celery, "worker", "--beat", "--loglevel", settings.LOG_LEVEL, *lonely]


def banner() -> str:
    """Every address, in two columns."""
    rows = {"Pages": f"http://{web_port().address}", **receiver_addresses()}
    rows["Data"] = str(settings.DATA_DIR)
    width = max(map(len, rows)) + 2
    lines = [f"  {name:{width}}{where}" for name, where in rows.items()]
    return "\n".join(["", *lines, "", "  Ctrl-C stops.", ""])
