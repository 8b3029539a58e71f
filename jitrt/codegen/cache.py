"""The on-disk cache: files named by the hash of their key, believed only if whole and this user's own.

A file is a magic number, the BLAKE2b digest of key and payload, and the payload. Whatever is wrong
with a file or with the directory, the caller sees a miss and builds again.
"""

from __future__ import annotations

import contextlib
import math
import os
import stat
import time
import warnings
from functools import cache
from pathlib import Path

from jitrt import config
from jitrt.digest import blake2b

MAGIC = b"jitrt\x00\x00\x01"
LIMIT = 1 << 30  # bytes on disk before the least recently used entries go
_DIGEST = 32
_HEADER = len(MAGIC) + _DIGEST
_SWEEP_ONE_IN = 64  # puts; which ones is decided by the entry's name
_SWEEP_AFTER = 3600.0  # seconds since the last one: a full directory takes a second or two to go through
_SWEPT = ".swept"  # the file that is touched by each sweep
_TOUCH_AFTER = 24 * 3600.0  # seconds: recency to the day is enough, and reads stay reads
_ABANDONED_AFTER = 3600.0  # seconds after which a temporary file has no writer any more


class DiskCache:
    """Byte strings kept under `directory`, which only this user can write; several processes may share it."""

    def __init__(self, directory: Path, limit: int = LIMIT) -> None:
        self.directory = directory
        self.limit = limit
        self._usable: bool | None = None  # None until the directory was looked at
        self._writable = True

    def get(self, key: str) -> bytes | None:
        """The payload last put under `key`, or None if there is none that can be believed."""
        if not self._is_usable(create=False):
            return None
        path = self._path(key)
        try:
            # A FIFO planted here would block a plain open for ever.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not _is_own(status):
                return None
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                content = file.read()
        except OSError:
            return None
        finally:
            os.close(descriptor)
        payload = content[_HEADER:]
        if content[:_HEADER] != MAGIC + _digest(key, payload):
            return None
        if time.time() - status.st_mtime > _TOUCH_AFTER:
            with contextlib.suppress(OSError):
                os.utime(path)
        return payload

    def put(self, key: str, payload: bytes) -> None:
        """Keep `payload` under `key`; on a full or read-only disk, warn once and give up."""
        if not self._writable or not self._is_usable(create=True):
            return
        path = self._path(key)
        temporary = self.directory / f".{os.getpid()}-{os.urandom(8).hex()}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with open(descriptor, "wb") as file:
                    file.write(MAGIC + _digest(key, payload))
                    file.write(payload)
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            self._writable = False
            self._warn(f"cannot be written ({error.strerror})")
            return
        if int(path.name[:8], 16) % _SWEEP_ONE_IN == 0 and self._age_of(_SWEPT) > _SWEEP_AFTER:
            self.sweep()

    def sweep(self) -> None:
        """Remove abandoned temporary files, and the least recently used entries beyond the size limit."""
        now = time.time()
        with contextlib.suppress(OSError):
            (self.directory / _SWEPT).touch(0o600)
        entries: list[tuple[float, int, str]] = []
        with contextlib.suppress(OSError), os.scandir(self.directory) as listing:
            for entry in listing:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if not entry.name.startswith("."):
                        entries.append((status.st_mtime, status.st_size, entry.path))
                    elif now - status.st_mtime > _ABANDONED_AFTER:
                        os.unlink(entry.path)
        excess = sum(size for _, size, _ in entries) - self.limit
        if excess <= 0:
            return
        excess += self.limit // 4  # leave room, so that the next puts sweep little
        for _, size, path in sorted(entries):
            if excess <= 0:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            excess -= size

    def _age_of(self, name: str) -> float:
        """Seconds since the file was last touched; infinite for one that is not there."""
        try:
            return time.time() - os.stat(self.directory / name).st_mtime
        except OSError:
            return math.inf

    def _path(self, key: str) -> Path:
        return self.directory / blake2b(key.encode(), digest_size=20).hexdigest()

    def _is_usable(self, create: bool) -> bool:
        """Whether the directory exists and is this user's alone; asked of the disk until it does."""
        if self._usable is None:
            try:
                if create:
                    self.directory.parent.mkdir(parents=True, exist_ok=True)
                    with contextlib.suppress(FileExistsError):
                        self.directory.mkdir(mode=0o700)
                status = os.stat(self.directory)
            except FileNotFoundError:
                return False
            except OSError as error:
                self._usable = False
                self._warn(f"cannot be used ({error.strerror})")
                return False
            self._usable = stat.S_ISDIR(status.st_mode) and _is_own(status)
            if not self._usable:
                self._warn("must be a directory that you own and nobody else can write (chmod 700)")
        return self._usable

    def _warn(self, what: str) -> None:
        warnings.warn(
            f"cache directory {self.directory} {what}: compiled kernels are not kept",
            RuntimeWarning,
            stacklevel=2,
        )


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _digest(key: str, payload: bytes) -> bytes:
    digest = blake2b(key.encode() + b"\x00", digest_size=_DIGEST)
    digest.update(payload)
    return digest.digest()


@cache
def _opened(directory: Path) -> DiskCache:
    return DiskCache(directory)


def get(key: str) -> bytes | None:
    """`DiskCache.get` in the configured directory; None where the disk cache is off."""
    directory = config.settings.cache_dir
    return None if directory is None else _opened(directory).get(key)


def put(key: str, payload: bytes) -> None:
    """`DiskCache.put` in the configured directory; nothing where the disk cache is off."""
    directory = config.settings.cache_dir
    if directory is not None:
        _opened(directory).put(key, payload)
