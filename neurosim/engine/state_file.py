"""State files: plain arrays in a zip archive, which ``numpy.load`` opens; nothing in them is executed.

Layout (format version 1). ``P``, ``J`` and ``C`` are numbers of populations, projections and
currents in order of creation; times in ms::

    manifest                     JSON in UTF-8 as uint8: format, version, neurosim version, step, t_ms, the
                                 description of the network (engine/identity.py), settings of the front end
    cells/P/state                (n_rows, size): membrane variables, then two rows per receptor
    cells/P/counts               (size,): spikes since the start
    sources/P/draws, next_ms     random numbers used, or array spikes sent; time of the next spike
    spikes/population, cell, step   spikes that have not arrived everywhere yet, and the step they were sent at
    synapses/J/...               synapses with memory, as engine/stores.py remembers them
    recorded/...                 spikes, samples, weights and currents recorded so far, if they are in memory

A file is written beside its final place and moved there when it is complete, so that an earlier one
of the same name survives anything that happens meanwhile.
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import ParameterError, StateFileError

FORMAT, VERSION = "neurosim state", 1
MANIFEST = "manifest"
_DAMAGED = "Give another copy, or save the state again."
_UNREADABLE = (OSError, EOFError, ValueError, KeyError, RuntimeError, MemoryError, OverflowError, struct.error, zlib.error, RecursionError)


@dataclass(frozen=True, slots=True, eq=False)
class StateFile:
    """Content of a state file: what is in its manifest, and its arrays by name."""

    where: str
    manifest: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def write(path: str | os.PathLike[str], manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a state file, or leave everything as it was.

    Raises
    ------
    StateFileError
        If the file cannot be written.
    """
    full, where = checked_path(path)
    part = full.with_name(f".{full.name}.{os.getpid()}.part")
    content = json.dumps({"format": FORMAT, "version": VERSION, **manifest}).encode()
    try:
        with open(part, "wb") as raw:
            with zipfile.ZipFile(raw, "w") as archive:
                for name, array in {MANIFEST: np.frombuffer(content, np.uint8), **arrays}.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(part, full)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        text, remedy = f"cannot be written: {reason}.", "Give a file in a folder that exists, that you may write to and that has room."
        raise StateFileError(text, where=where, used=str(full), remedy=remedy) from error
    finally:
        part.unlink(missing_ok=True) if full.parent.is_dir() and os.access(full.parent, os.W_OK) else None


def checked_path(path: str | os.PathLike[str]) -> tuple[Path, str]:
    """The absolute path of a state file, links followed, and its name for messages.

    Raises
    ------
    ParameterError
        If it is no path.
    StateFileError
        If it is a folder.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ParameterError(f"{path!r} is not a file name.", where="State file", used=path, remedy="For example 'run.state'.")
    full, where = Path(os.path.realpath(Path(path).expanduser())), f"State file '{os.fspath(path)}'"
    if full.is_dir():
        raise StateFileError("is a folder.", where=where, used=str(full), remedy="Give the name of a file.")
    return full, where


def read(path: str | os.PathLike[str]) -> StateFile:
    """Read a whole state file and check that it is one, complete and undamaged.

    Raises
    ------
    StateFileError
        If there is no such file, if it is not a state file, of another format version, or damaged.
    """
    full, where = checked_path(path)
    try:
        with zipfile.ZipFile(full) as archive:
            manifest = _manifest(archive, where)
            arrays = {e.filename.removesuffix(".npy"): _array(archive, e) for e in archive.infolist() if e.filename != f"{MANIFEST}.npy"}
    except FileNotFoundError:
        raise StateFileError("there is no such file.", where=where, used=str(full), remedy="Check the path.") from None
    except PermissionError:
        raise StateFileError("cannot be read: permission denied.", where=where, used=str(full), remedy="Check its permissions.") from None
    except zipfile.BadZipFile as error:
        raise (_damaged(where, error) if _begins_like_one(full) else _foreign(where)) from None
    except StateFileError:
        raise
    except _UNREADABLE as error:
        raise _damaged(where, error) from None
    return StateFile(where, manifest, arrays)


def _manifest(archive: zipfile.ZipFile, where: str) -> dict[str, Any]:
    if f"{MANIFEST}.npy" not in archive.namelist():
        raise _foreign(where)
    content = json.loads(_array(archive, archive.getinfo(f"{MANIFEST}.npy")).tobytes())
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _foreign(where)
    if content.get("version") != VERSION:
        text = f"has format version {content.get('version')}, this release of neurosim reads version {VERSION}."
        remedy = f"Load it with the release that wrote it (neurosim {content.get('neurosim')}), or run from the start."
        raise StateFileError(text, where=where, used=content.get("version"), limit=VERSION, remedy=remedy)
    return content


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """One array; its size is compared with that of its entry before memory is taken."""
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"'{entry.filename}' has another form of header")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        header = stream.tell()
        if dtype.hasobject or int(np.prod(shape, dtype=object)) * dtype.itemsize + header != entry.file_size:
            raise ValueError(f"'{entry.filename}' has not the size it says")
    with archive.open(entry) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
        if stream.read(1):  # reading to the end compares the checksum
            raise ValueError(f"'{entry.filename}' is longer than it says")
    return array


def _begins_like_one(path: Path) -> bool:
    with open(path, "rb") as raw:
        return raw.read(4) == b"PK\3\4"


def _foreign(where: str) -> StateFileError:
    return StateFileError("is not a state file.", where=where, remedy="Give a file that save_state() wrote.")


def _damaged(where: str, error: BaseException) -> StateFileError:
    reason = str(error).strip(".'\"") or type(error).__name__
    return StateFileError(f"is damaged or incomplete ({reason}).", where=where, remedy=_DAMAGED)
