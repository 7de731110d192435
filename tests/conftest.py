"""The tests' own surroundings: an empty data folder, no setting of the caller's.

The settings module is named here, not in pyproject.toml, because it must be read
after the environment below is in place.
"""

import atexit
import os
import shutil
import signal
import tempfile

CALLERS_SETTINGS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "HOST",
    "DEBUG",
    "SELF_TRACING",
)

for name in CALLERS_SETTINGS:
    os.environ.pop(name, None)
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="tracing-ui-tests-")
os.environ["DJANGO_SETTINGS_MODULE"] = "tracing_ui.settings"
os.mkdir(os.path.join(os.environ["DATA_DIR"], "static"))
# A shell starts what it puts in the background deaf to Ctrl-C, and children inherit
# that; the tests send Ctrl-C to theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)
atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

# pytest-django sets Django up only where the settings were named before this file.
import django  # noqa: E402

django.setup()

# A machine that is busy with other work makes no property wrong.
from hypothesis import settings  # noqa: E402

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
