"""How many cores this process may use: what the machine has, less what a container leaves of it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

_ROOT = Path("/")
# Reads the quota of one control group: how many cores, or None where it has none.
_ReadQuota = Callable[[Path], float | None]


def count_cores(root: Path = _ROOT) -> int:
    """Count the cores that this process may use, at least 1.

    The fewest of: the cores that it may be scheduled on (affinity), and what its control groups
    leave it of CPU time, rounded up, since half a core left idle is worse than one shared. Control
    groups are those of Linux (`cpu.max` of version 2, `cpu.cfs_quota_us` of version 1, as the
    kernel's documentation has them); elsewhere there are none.

    Args:
        root: Where `/proc` and `/sys` are.
    """
    quotas = [math.ceil(quota) for quota in _quotas(root)]
    return max(1, min([_schedulable(), *quotas]))


def _schedulable() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: Path) -> list[float]:
    found: list[float] = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        folder = root / "sys/fs/cgroup"
        if controllers == "":
            found += _quotas_up(folder, path, _quota_of_version_2)
        elif "cpu" in controllers.split(","):
            found += _quotas_up(folder / "cpu", path, _quota_of_version_1)
    return found


def _quotas_up(folder: Path, path: str, read: _ReadQuota) -> list[float]:
    """Read the quotas of a group and of all that it is in: the smallest counts."""
    # Inside a container the path is often that of the host, and only the root is there.
    place = folder / path.strip("/")
    places = [folder, *(one for one in [place, *place.parents] if folder in one.parents)]
    return [quota for one in places if (quota := read(one)) is not None]


def _quota_of_version_2(folder: Path) -> float | None:
    match _read(folder / "cpu.max").split():
        case [quota, period] if quota != "max":
            return _ratio(quota, period)
        case _:
            return None


def _quota_of_version_1(folder: Path) -> float | None:
    quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    # -1 is no quota.
    return _ratio(quota, period) if quota and not quota.startswith("-") else None


def _ratio(quota: str, period: str) -> float | None:
    try:
        return int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
