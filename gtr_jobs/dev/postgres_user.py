"""The user that PostgreSQL runs as where we are root, for it refuses to run as root."""

from __future__ import annotations

import fcntl
import os
import pwd
import subprocess
from contextlib import suppress

_OTHER_USER = "gtr_postgres"


def find_other_user() -> tuple[int, int] | None:
    """Find the user that a server runs as when we are root; the first time it is made.

    Returns:
        Its user and group id; None where there is none, and none can be made.
    """
    return _look_up(_OTHER_USER) or make_user(_OTHER_USER) or _look_up("nobody")


def make_user(user: str) -> tuple[int, int] | None:
    """Make a user, whom other processes may be making at the same time.

    Returns:
        Its user and group id; None where it cannot be made.
    """
    # useradd looks whether the user is there before it takes its lock: of two at a time, the second would
    # give the first one's user another number.
    folder = os.open("/etc", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if _look_up(user) is None:
            with suppress(OSError):
                subprocess.run(
                    ["useradd", "--system", "--user-group", "--no-create-home", user],  # noqa: S607 - root's own PATH knows it
                    capture_output=True,
                    check=False,
                )
        return _look_up(user)
    finally:
        os.close(folder)


def _look_up(user: str) -> tuple[int, int] | None:
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid
