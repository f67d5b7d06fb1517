"""Contracts of what looks at some tasks only are tested with these."""

from __future__ import annotations

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    tasks = getattr(metafunc.cls, "tasks", None)
    if tasks is not None and "task" in metafunc.fixturenames:
        metafunc.parametrize("task", tasks, ids=str)
