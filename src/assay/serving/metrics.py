"""Metrics of a server, in the words of Prometheus."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

from prometheus_client import (
    GC_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)
from prometheus_client.exposition import generate_latest

PATHS = (
    "/predict", "/predict/batch", "/feedback", "/schema", "/health", "/ready", "/metrics", "/model",
)  # fmt: skip
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What is counted and timed.

    Args:
        hides: Whether versions are not named: the label is the start of their SHA-256.
    """

    def __init__(self, *, hides: bool = False) -> None:
        self._hides = hides
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(GC_COLLECTOR)
        self._requests = Counter(
            "assay_requests", "Requests answered.", ["path", "status"], registry=registry
        )
        self._seconds = Histogram(
            "assay_request_seconds", "Time from head to answer.", ["path"],
            buckets=_BUCKETS, registry=registry,
        )  # fmt: skip
        self._rows = Counter("assay_rows", "Rows predicted.", ["version"], registry=registry)
        self.problems = Counter("assay_problems", "Problems of rows refused.", registry=registry)
        self.warnings = Counter(
            "assay_warnings", "Warnings about rows predicted.", registry=registry
        )
        self.swaps = Counter(
            "assay_swaps", "Models swapped, or not.", ["result"], registry=registry
        )
        self.in_flight = Gauge("assay_in_flight", "Requests being served.", registry=registry)
        self.dropped = Counter(
            "assay_observations_dropped", "Requests no observer was told of.", registry=registry
        )
        self._model = Gauge("assay_model", "Models served: 1.", ["version"], registry=registry)
        self._answered = cache(self._requests.labels)
        self._took = cache(self._seconds.labels)
        self._predicted = cache(lambda version: self._rows.labels(self._label(version)))

    def answered(self, path: str, status: int, seconds: float) -> None:
        """A request was answered."""
        path = path if path in PATHS else "other"
        self._answered(path, str(status)).inc()
        self._took(path).observe(seconds)

    def predicted(self, version: str, n: int) -> None:
        """Rows were predicted."""
        self._predicted(version).inc(n)

    def served(self, version: str, *, before: str | None = None) -> None:
        """A version is served from now on, instead of another."""
        if before is not None and before != version:
            self._model.labels(self._label(before)).set(0)
        self._model.labels(self._label(version)).set(1)

    def _label(self, version: str) -> str:
        return sha256(version.encode()).hexdigest()[:12] if self._hides else version

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return bytes(generate_latest(self.registry))

    def value(self, name: str, **labels: str) -> Any:
        """One value, for those who test."""
        return self.registry.get_sample_value(name, labels)
