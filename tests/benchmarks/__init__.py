"""What it costs: `python -m tests.benchmarks`, or `make bench`."""
