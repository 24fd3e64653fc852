"""Peers side by side on the same work: `python -m benchmarks`. Cases are records in `cases/`."""
