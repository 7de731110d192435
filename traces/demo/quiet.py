"""What the shop's processes say on their standard error: little, and not again at once."""

import logging
import time

REPEAT_AFTER_SECONDS = 30.0


class NowAndThen:
    """Lets one record pass, then none for a while: a lost server is one line, not fifty."""

    def __init__(self) -> None:
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is an error and the last one is long enough ago."""
        now = time.monotonic()
        if record.levelno < logging.ERROR or now < self._next:
            return False
        self._next = now + REPEAT_AFTER_SECONDS
        return True


def quieten_logs(service_name: str) -> None:
    """Sends the rare error of this process to standard error, with the service's name."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{service_name}: %(message)s"))
    handler.addFilter(NowAndThen())
    logging.basicConfig(handlers=[handler], level=logging.ERROR)
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
