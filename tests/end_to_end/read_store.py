"""`python -m tests.end_to_end.read_store`: traces as a fresh process sees them.

Trace ids come on standard input, one a line; OTLP JSON goes to standard output. Each
segment is checked like `manage.py verify` does; what is wrong ends it with a message.
"""

import os
import sys

import django


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tracing_ui.settings"
    django.setup()
    from traces.api.otlp_json import encode_chunks
    from traces.store.integrity import verify
    from traces.store.segments import SegmentStore

    store = SegmentStore.from_settings()
    if findings := verify(store.files):
        sys.exit(f"the store is not sound: {findings}")
    wanted = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    for chunk in encode_chunks(store.get_traces(wanted)):
        sys.stdout.buffer.write(chunk)


if __name__ == "__main__":
    main()
