"""Every setting, each an environment variable with a default that works."""

import socket
from pathlib import Path

from tracing_ui.broker import folder_options
from tracing_ui.databases import database_config
from tracing_ui.env import (
    SettingError,
    env_bool,
    env_int,
    env_link_templates,
    env_list,
    env_path,
    env_port,
    env_str,
)
from tracing_ui.secret_key import load_or_create_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024

# Where things are.
DATA_DIR = env_path("DATA_DIR", BASE_DIR / "data")
SEGMENT_DIR = DATA_DIR / "segments"
SCRATCH_DIR = DATA_DIR / "scratch"  # sorts and uploads; of no value afterwards
SPOOL_DIR = SCRATCH_DIR / "upload"
BROKER_DIR = DATA_DIR / "broker"
WORKER_HEARTBEAT_FILE = DATA_DIR / "worker.heartbeat"
DATABASES = {"default": database_config(env_str("DATABASE_URL", ""), DATA_DIR)}
REDIS_URL = env_str("REDIS_URL", "")

# Where it listens. Loopback only, unless HOST says otherwise.
HOST = env_str("HOST", "127.0.0.1")
WEB_PORT = env_port("WEB_PORT", 16686)
# The receivers; 0 switches one off.
OTLP_GRPC_PORT = env_port("OTLP_GRPC_PORT", 4317, may_be_off=True)
OTLP_HTTP_PORT = env_port("OTLP_HTTP_PORT", 4318, may_be_off=True)
ZIPKIN_PORT = env_port("ZIPKIN_PORT", 9411, may_be_off=True)
JAEGER_HTTP_PORT = env_port("JAEGER_HTTP_PORT", 14268, may_be_off=True)
JAEGER_GRPC_PORT = env_port("JAEGER_GRPC_PORT", 14250, may_be_off=True)
JAEGER_COMPACT_PORT = env_port("JAEGER_COMPACT_PORT", 6831, may_be_off=True)
JAEGER_BINARY_PORT = env_port("JAEGER_BINARY_PORT", 6832, may_be_off=True)
# Where Jaeger's clients ask how much to sample, and the file that says so.
SAMPLING_PORT = env_port("SAMPLING_PORT", 5778, may_be_off=True)
SAMPLING_STRATEGIES_FILE = env_str("SAMPLING_STRATEGIES_FILE", "")
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
HOST_IS_LOOPBACK = HOST == "localhost" or HOST.startswith("127.") or HOST == "::1"
ALLOWED_HOSTS = env_list(
    "ALLOWED_HOSTS",
    [*LOOPBACK_HOSTS, *([] if HOST_IS_LOOPBACK else [HOST, socket.gethostname()])],
)
# Origins whose browsers may send spans to the receivers; empty turns CORS off.
CORS_ALLOWED_ORIGINS = env_list("CORS_ALLOWED_ORIGINS", [])
# What /healthz looks at; a machine with only the web process drops the rest.
ALL_HEALTH_CHECKS = ("database", "data_folder", "ingest", "worker")
HEALTH_CHECKS = env_list(
    "HEALTH_CHECKS", [*ALL_HEALTH_CHECKS], any_of=ALL_HEALTH_CHECKS
)

# Whether the web process sends spans of its own requests to OTLP_HTTP_PORT.
SELF_TRACING = env_bool("SELF_TRACING", default=False)
if SELF_TRACING and not OTLP_HTTP_PORT:
    raise SettingError("SELF_TRACING", "true", "OTLP_HTTP_PORT to be on")

# Ingest: how long an ack may wait for company, and what one request may hold.
GROUP_COMMIT_MAX_WAIT_MS = env_int("GROUP_COMMIT_MAX_WAIT_MS", 100, at_most=60_000)
DATAGRAM_COMMIT_MAX_WAIT_MS = env_int(
    "DATAGRAM_COMMIT_MAX_WAIT_MS", 500, at_most=60_000
)
GROUP_COMMIT_MAX_SPANS = env_int("GROUP_COMMIT_MAX_SPANS", 20_000, at_least=1)
MAX_INFLIGHT_BYTES = env_int("MAX_INFLIGHT_BYTES", 256 * MIB, at_least=MIB)
MAX_BODY_BYTES = env_int("MAX_BODY_BYTES", 64 * MIB, at_least=1024)
MAX_COMPRESSED_BYTES = env_int("MAX_COMPRESSED_BYTES", 20 * MIB, at_least=1024)
MAX_SPANS_PER_REQUEST = env_int("MAX_SPANS_PER_REQUEST", 200_000, at_least=1)
MAX_ATTRIBUTES_PER_SPAN = env_int("MAX_ATTRIBUTES_PER_SPAN", 512, at_least=1)
MAX_ATTRIBUTE_KEY_BYTES = env_int("MAX_ATTRIBUTE_KEY_BYTES", 256, at_least=1)
MAX_ATTRIBUTE_VALUE_BYTES = env_int("MAX_ATTRIBUTE_VALUE_BYTES", 16_384, at_least=1)
MAX_EVENTS_PER_SPAN = env_int("MAX_EVENTS_PER_SPAN", 1024, at_least=1)
MAX_LINKS_PER_SPAN = env_int("MAX_LINKS_PER_SPAN", 1024, at_least=1)
# Python's own stack is the reason for the upper bound.
MAX_NESTING = env_int("MAX_NESTING", 32, at_least=1, at_most=200)
MAX_NAME_BYTES = env_int("MAX_NAME_BYTES", 1024, at_least=1)
MAX_SERVICE_NAME_BYTES = env_int("MAX_SERVICE_NAME_BYTES", 256, at_least=1)

# Files uploaded in the browser: all of one upload as sent, and each file unpacked.
MAX_UPLOAD_BYTES = env_int("MAX_UPLOAD_BYTES", 256 * MIB, at_least=1024)
MAX_UPLOAD_UNPACKED_BYTES = env_int(
    "MAX_UPLOAD_UNPACKED_BYTES", 1024 * MIB, at_least=1024
)

# Writing. Below the free space nothing more is taken; and what is acknowledged while
# the database is away waits on disk, up to a bound.
MIN_FREE_DISK_BYTES = env_int("MIN_FREE_DISK_BYTES", 256 * MIB)
UNCATALOGUED_MAX_SEGMENTS = env_int("UNCATALOGUED_MAX_SEGMENTS", 1000)
UNCATALOGUED_MAX_BYTES = env_int("UNCATALOGUED_MAX_BYTES", 1024 * MIB)

# Queries.
QUERY_TIMEOUT_SECONDS = env_int("QUERY_TIMEOUT_SECONDS", 30, at_least=1)
QUERY_MEMORY_LIMIT = env_str("QUERY_MEMORY_LIMIT", "512MB")
SLOW_SPAN_THRESHOLD_MS = env_int("SLOW_SPAN_THRESHOLD_MS", 1000)
# Over many traces: children that overlap by so much of their parent's time follow each
# other for critical paths. 0 is the exact rule, by which the page of a trace goes.
CRITICAL_PATH_OVERLAP_PERCENT = env_int("CRITICAL_PATH_OVERLAP_PERCENT", 1, at_most=50)
SPAN_LINKS = env_link_templates("SPAN_LINKS")

# Background work on segments.
RETENTION_HOURS = env_int("RETENTION_HOURS", 168, at_least=1)
MAX_DISK_BYTES = env_int("MAX_DISK_BYTES", 0)  # of segments; 0: no limit
SEGMENT_GRACE_SECONDS = env_int("SEGMENT_GRACE_SECONDS", 60)
COMPACTION_INTERVAL_SECONDS = env_int("COMPACTION_INTERVAL_SECONDS", 10, at_least=1)
COMPACTION_MIN_SEGMENTS = env_int("COMPACTION_MIN_SEGMENTS", 8, at_least=2)
COMPACTION_MAX_SPANS = env_int("COMPACTION_MAX_SPANS", 1_000_000, at_least=1)
COMPACTION_MEMORY_LIMIT = env_str("COMPACTION_MEMORY_LIMIT", "384MB")
RETENTION_INTERVAL_SECONDS = env_int("RETENTION_INTERVAL_SECONDS", 600, at_least=1)
ANALYSIS_INTERVAL_SECONDS = env_int("ANALYSIS_INTERVAL_SECONDS", 10, at_least=1)
ANALYSIS_MAX_SERVICES = env_int("ANALYSIS_MAX_SERVICES", 500, at_least=1)
ANALYSIS_MAX_NAMES = env_int("ANALYSIS_MAX_NAMES", 3000, at_least=1)
ANALYSIS_MAX_NAMES_OF_SERVICE = env_int(
    "ANALYSIS_MAX_NAMES_OF_SERVICE", 300, at_least=1
)
ANALYSIS_MAX_EDGES = env_int("ANALYSIS_MAX_EDGES", 3000, at_least=1)

# Celery. Tasks are idempotent: one whose worker died is simply done again.
CELERY_BROKER_URL = REDIS_URL or "folder://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    # Longer than the longest task, or Redis would hand a running one out again.
    {"visibility_timeout": 3600} if REDIS_URL else folder_options(BROKER_DIR)
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 1500
CELERY_TASK_TIME_LIMIT = 1800
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A child process per task slot: one that is killed takes no other work with it.
CELERY_WORKER_CONCURRENCY = env_int("WORKER_CONCURRENCY", 1, at_least=1)
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 450 * 1024  # KiB; then a fresh child
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1  # beat ends between two of its loops
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
# `expires`: what a stopped worker missed is not worth doing many times over.
CELERY_BEAT_SCHEDULE = {
    "compact": {
        "task": "traces.tasks.compact",
        "schedule": COMPACTION_INTERVAL_SECONDS,
        "options": {"expires": COMPACTION_INTERVAL_SECONDS},
    },
    "retain": {
        "task": "traces.tasks.retain",
        "schedule": RETENTION_INTERVAL_SECONDS,
        "options": {"expires": RETENTION_INTERVAL_SECONDS},
    },
    "analyse": {
        "task": "analysis.tasks.analyse",
        "schedule": ANALYSIS_INTERVAL_SECONDS,
        "options": {"expires": ANALYSIS_INTERVAL_SECONDS},
    },
    "tidy": {
        "task": "analysis.tasks.tidy",
        "schedule": RETENTION_INTERVAL_SECONDS,
        "options": {"expires": RETENTION_INTERVAL_SECONDS},
    },
}

# Django.
DEBUG = env_bool("DEBUG", default=False)
SECRET_KEY = env_str("SECRET_KEY", "") or load_or_create_secret_key(
    DATA_DIR / "secret_key"
)
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "tracing_ui.apps.StaticFiles",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "traces",
    "analysis",
]
MIDDLEWARE = [
    "tracing_ui.security.security_headers",
    "tracing_ui.staticfiles.StaticFilesMiddleware",
    # Behind the static files, whose spans would only hide those of the pages.
    *(["tracing_ui.self_tracing.self_tracing"] if SELF_TRACING else []),
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "tracing_ui.urls"
ASGI_APPLICATION = "tracing_ui.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"]
        },
    }
]
FILE_UPLOAD_HANDLERS = ["tracing_ui.spool.SpoolUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 100
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# Static files: our own, htmx from django-htmx, Plotly from its Python package.
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "tracing_ui.staticfiles.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "tracing_ui.staticfiles.HashedModuleStorage"},
}
# Serve straight from the source folders what was not collected yet; the web
# process, which collects first, turns this off.
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_AUTOREFRESH = DEBUG

# The REST API has no users yet: whoever reaches the port may read.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tracing UI",
    "DESCRIPTION": "Search traces, read one, and ask what many of them have in common.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

# Logs: one line each, to standard error.
LOG_LEVEL = env_str(
    "LOG_LEVEL", "INFO", one_of=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
)
CHATTY_LOGGERS = (
    "celery.beat",
    "celery.worker",
    "celery.apps",
    "celery.app.trace",
    "uvicorn",
)
QUIET = {"level": "ERROR" if LOG_LEVEL in {"ERROR", "CRITICAL"} else "WARNING"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # These tell every ten seconds that nothing is wrong.
    "loggers": {} if LOG_LEVEL == "DEBUG" else dict.fromkeys(CHATTY_LOGGERS, QUIET),
}
