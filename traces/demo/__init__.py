"""A small shop of several processes, traced with stock OpenTelemetry, to look at."""
