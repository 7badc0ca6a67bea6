"""Recordings in an HDF5 file: written while a run goes on, read when someone asks.

Layout (format version 1; times in ms, everything else with its unit as an attribute)::

    /                            format, format_version, neurosim_version, created, dt_ms, seed, precision, chip,
                                 identity: a number that no other file has
    /segment000                  t_stop_ms: time reached; a reset() begins the next segment
    /segment000/LABEL            one per population: label, population, model, size
    /segment000/LABEL/spikes     cells (n_spikes) int32, times (n_spikes) float64
    /segment000/LABEL/v          values (n_samples, n_cells), cells (n_cells); attributes: units,
                                 first_ms and interval_ms of the samples, variable

``cells`` are indices in the population. Where recording was cleared, or other cells were recorded
from some time on, what follows is in a group with ``_2``, ``_3``, ... after its name.

The file is flushed after every piece and kept in the oldest format, which has no mark for "open
for writing": a run that is killed leaves a file that any HDF5 library opens. It is closed between runs;
whoever opens it again looks at its identity first, so that two simulations never mix in one file.
"""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.engine.memory import samples, size_text
from neurosim.engine.records import Stretch
from neurosim.errors import MissingExtraError, ParameterError, RecordFileError
from neurosim.network import Network

H5 = Any  # a file, group or dataset of h5py, whose types cannot tell them apart

FORMAT, FORMAT_VERSION = "neurosim recordings", 1
#: Values per chunk of a table: 256 samples of 128 cells.
CHUNK_ROWS, CHUNK_COLUMNS = 256, 128
#: Spikes per chunk.
CHUNK_SPIKES = 16_384
#: Chunks kept in memory while they fill, per dataset.
CACHE_BYTES = 32_000_000
#: Values read at once.
READ_VALUES = 4_000_000
#: Room for what HDF5 adds of its own.
MARGIN_BYTES = 1_000_000

GONE = "Give another file to setup(record_to=...)."
REPLACED = "What was not written yet is still in memory; begin anew, with a file that nothing else writes to."
BUSY = {
    "written": "Nothing is lost: what was recorded stays in memory. Close the file there and call run() again.",
    "read": "Close the file there and try again.",
}
BROKEN = "What was written before is in the file; read it with another program, and begin anew with another file."

STATE_UNITS = {"v": "mV", "w": "nA", "u": "mV/ms", "m": "", "h": "", "n": ""}


def check_path(path: str | os.PathLike[str], *, overwrite: bool = False, where: str = "setup()") -> Path:
    """The absolute path of a file of recordings that can be made.

    Raises
    ------
    MissingExtraError
        Without h5py.
    ParameterError
        If it is no path.
    RecordFileError
        If its folder does not exist or cannot be written to, or if the file exists.
    """
    try:
        import h5py  # noqa: F401
    except ImportError:
        raise MissingExtraError.of("h5py", "hdf5") from None
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ParameterError(f"{path!r} is not a file name.", where=where, used=path, remedy="For example record_to='run.h5'.")
    full = Path(path).expanduser().absolute()
    fault, remedy = _fault(full, overwrite)
    if fault:
        raise RecordFileError(fault, where=f"{where}, record_to='{path}'", used=str(full), remedy=remedy)
    return full


def _fault(path: Path, overwrite: bool) -> tuple[str, str]:
    if path.is_dir():
        return "is a folder.", "Give the name of a file."
    if path.exists() and not overwrite:
        return "the file exists already.", "Give another name, move it, or say overwrite=True."
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist.", "Make it first."
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return "it cannot be written: permission denied.", "Give a file in a folder you may write to."
    return "", ""


class RecordFile:
    """An HDF5 file that recordings go to; made at the first write, closed when nothing is to be written.

    Parameters
    ----------
    path
        As checked by :func:`check_path`.
    overwrite
        Replace a file that exists.
    dtype
        Of the samples on disk.
    about
        Attributes of the whole file.
    """

    def __init__(self, path: Path, *, overwrite: bool = False, dtype: Any = np.float64, about: Mapping[str, Any] | None = None) -> None:
        self.path, self.dtype = path, np.dtype(dtype)
        self._about = {"format": FORMAT, "format_version": FORMAT_VERSION, "identity": uuid.uuid4().hex, **(about or {})}
        self._mode = "w" if overwrite else "x"
        self._open: H5 = None
        self._n_segments, self._broken = 0, ""

    # --- the file itself -----------------------------------------------------------------------
    def next_segment(self) -> int:
        """Number of a new segment."""
        self._n_segments += 1
        return self._n_segments - 1

    def writing(self) -> H5:
        """The file, open for writing."""
        if self._open is None:
            import h5py

            with self.faults("written"):
                if self._mode == "r+":
                    with h5py.File(self.path, "r") as file:  # to open another's for writing would change it
                        self._check_own(file)
                file = h5py.File(self.path, self._mode, libver=("earliest", "v110"), rdcc_nbytes=CACHE_BYTES)
                if self._mode != "r+":
                    file.attrs.update({**self._about, "created": datetime.now(UTC).isoformat(timespec="seconds")})
            self._mode, self._open = "r+", file
        return self._open

    def _check_own(self, file: H5) -> None:
        """Refuse a file that another simulation has put in the place of this one's."""
        if file.attrs.get("identity") != self._about["identity"]:
            text = "it is no longer the file of this simulation: another one has replaced it."
            raise RecordFileError(text, where=str(self.path), remedy=REPLACED)

    @contextmanager
    def reading(self) -> Iterator[H5]:
        """The file, open for reading."""
        import h5py

        with self.faults("read"):
            if self._open is not None:
                yield self._open
                return
            with h5py.File(self.path, "r") as file:
                self._check_own(file)
                yield file

    def flush(self, segment: int, t_ms: float | None) -> None:
        """Put all that was written on disk, and note the time that was reached."""
        file = self.writing()
        with self.faults("written"):
            group = file.require_group(segment_name(segment))
            if t_ms is not None:
                group.attrs["t_stop_ms"] = float(t_ms)
            file.flush()

    def close(self) -> None:
        """Close the file; it opens again when needed."""
        if self._open is not None and not self._broken:
            file, self._open = self._open, None
            with self.faults("written"):
                file.close()

    @contextmanager
    def faults(self, verb: str) -> Iterator[None]:
        """Turn errors of the system and of HDF5 into one that says what to do."""
        if self._broken:
            raise RecordFileError(f"the file could not be {self._broken}.", where=str(self.path), remedy=BROKEN)
        try:
            yield
        except RecordFileError:
            raise
        except (OSError, RuntimeError, KeyError) as error:
            reason = _reason(error)
            if self._open is None and _is_locked(error):
                raise RecordFileError(f"another program has the file open: {reason}.", where=str(self.path), remedy=BUSY[verb]) from error
            if self._open is not None and verb == "written":
                self._broken = f"written any more: {reason}"  # to touch it again, or to close it, may crash HDF5
                raise RecordFileError(f"the file could not be {self._broken}.", where=str(self.path), remedy=BROKEN) from error
            raise RecordFileError(f"the file cannot be {verb}: {reason}.", where=str(self.path), remedy=GONE) from error

    # --- room ------------------------------------------------------------------------------------
    def make_room(self, n_bytes: int) -> None:
        """Have the system set aside what is about to be written.

        HDF5 does not survive a write that fails. Where the disk, a quota or a limit is exhausted,
        this fails instead, with the file as it was.

        Raises
        ------
        RecordFileError
            With what is needed and what is there.
        """
        end = self.writing().id.get_filesize()
        try:
            with open(self.path, "r+b") as raw:
                os.posix_fallocate(raw.fileno(), end, n_bytes + MARGIN_BYTES)
        except (OSError, AttributeError) as error:
            reason = getattr(error, "errno", errno.EOPNOTSUPP)
            if reason not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise self._no_room(n_bytes, _reason(error)) from error
            self._check_free(n_bytes)

    def _check_free(self, n_bytes: int) -> None:
        if n_bytes + MARGIN_BYTES > shutil.disk_usage(self.path.parent).free:
            raise self._no_room(n_bytes, "no space left on device")

    def _no_room(self, n_bytes: int, reason: str) -> RecordFileError:
        free = shutil.disk_usage(self.path.parent).free
        return RecordFileError(
            f"no room for the recordings: {reason}; {size_text(n_bytes)} are to be written, {size_text(free)} of the disk are free.",
            where=str(self.path),
            used=n_bytes,
            limit=free,
            remedy="Make room and call run() again: nothing is lost so far. Or record fewer cells, or with a longer sampling_interval.",
        )

    def check_run(self, network: Network, t_ms: float, until_ms: float) -> None:
        """Refuse a run whose samples the disk has no room for, or whose file, once made, cannot be opened any more.

        Raises
        ------
        RecordFileError
            With what is needed and what is there.
        """
        self._check_free(sum(n * len(probe.indices) * self.dtype.itemsize for probe, n in samples(network, t_ms, until_ms)))
        if self._mode == "r+":
            self.writing()

    # --- shelves ---------------------------------------------------------------------------------
    def new_spikes(self, segment: int, network: Network, population: int) -> FileShelf:
        """A place for spikes of a population."""
        group = self._new_group(segment, network, population, "spikes")
        with self.faults("written"):
            for name, dtype in (("cells", np.int32), ("times", np.float64)):
                group.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(CHUNK_SPIKES,))
            group["times"].attrs["units"] = "ms"
            return FileShelf(self, str(group.name))

    def new_samples(self, segment: int, network: Network, population: int, variable: str, stretch: Stretch) -> FileShelf:
        """A place for samples of a variable of a population."""
        group = self._new_group(segment, network, population, variable)
        n_cells = len(stretch.cells)
        with self.faults("written"):
            interval = stretch.every * stretch.dt_ms
            group.attrs.update(
                {"units": units(network, population, variable), "first_ms": stretch.first * interval, "interval_ms": interval}
            )
            group.create_dataset("cells", data=stretch.cells.astype(np.int64))
            chunks = (CHUNK_ROWS, max(1, min(CHUNK_COLUMNS, n_cells)))
            group.create_dataset("values", (0, n_cells), self.dtype, maxshape=(None, n_cells), chunks=chunks, fillvalue=np.nan)
            return FileShelf(self, str(group.name))

    def _new_group(self, segment: int, network: Network, population: int, name: str) -> H5:
        file, this = self.writing(), network.populations[population]
        self.make_room(0)
        with self.faults("written"):
            parent = file.require_group(segment_name(segment)).require_group(population_name(network, population))
            parent.attrs.update({"label": this.label, "population": population, "model": this.model, "size": this.size})
            number = sum(other.attrs["variable"] == name for other in parent.values())
            group = parent.create_group(name if not number else f"{name}_{number + 1}")
            group.attrs["variable"] = name
        return group


class FileShelf:
    """Rows of one group of a file; see :class:`neurosim.engine.records.Shelf`."""

    def __init__(self, file: RecordFile, name: str) -> None:
        self._file, self._name = file, name
        self._n_rows = 0

    def append(self, **columns: NDArray[Any]) -> None:
        """Add rows to named columns."""
        file = self._file.writing()
        with self._file.faults("written"):
            n_bytes = sum(self._grows(file[f"{self._name}/{name}"], len(values)) for name, values in columns.items())
        self._file.make_room(n_bytes)
        with self._file.faults("written"):
            for name, values in columns.items():
                dataset = file[f"{self._name}/{name}"]
                dataset.resize(self._n_rows + len(values), axis=0)
                dataset[self._n_rows :] = values
        self._n_rows += len(next(iter(columns.values())))

    def _grows(self, dataset: H5, rows: int) -> int:
        """Bytes of the chunks that a dataset may get when rows are added."""
        n_chunks = -(-(self._n_rows + rows) // dataset.chunks[0]) - self._n_rows // dataset.chunks[0]
        columns = [-(-size // chunk) * chunk for size, chunk in zip(dataset.shape[1:], dataset.chunks[1:], strict=True)]
        return n_chunks * dataset.chunks[0] * math.prod(columns) * dataset.dtype.itemsize

    def read(self, name: str) -> NDArray[Any]:
        """All rows of a column."""
        with self._file.reading() as file:
            return file[f"{self._name}/{name}"][: self._n_rows]

    def read_table(self, name: str, out: NDArray[np.float64], columns: NDArray[np.integer[Any]] | None) -> None:
        """Copy the rows of a table, or some of its columns, to ``out``, piece by piece."""
        if not out.size:
            return
        with self._file.reading() as file:
            table = file[f"{self._name}/{name}"]
            low, high = (0, table.shape[1]) if columns is None else (int(columns.min()), int(columns.max()) + 1)
            rows = max(CHUNK_ROWS, READ_VALUES // (high - low) // CHUNK_ROWS * CHUNK_ROWS)
            for at in range(0, len(out), rows):
                piece = table[at : min(at + rows, len(out)), low:high]
                out[at : at + rows] = piece if columns is None else piece[:, columns - low]


def segment_name(number: int) -> str:
    """Name of a segment's group."""
    return f"segment{number:03d}"


def population_name(network: Network, population: int) -> str:
    """Name of a population's group: its label, with its number where another one has that label too."""
    label = network.populations[population].label.replace("/", "_").replace(".", "_") or "population"
    same = sum(other.label.replace("/", "_").replace(".", "_") == label for other in network.populations)
    return label if same == 1 else f"{label} ({population})"


def units(network: Network, population: int, variable: str) -> str:
    """Unit of a variable of a population."""
    if variable in STATE_UNITS:
        return STATE_UNITS[variable]
    receptors = network.populations[population].receptors
    kind = receptors[0].kind if receptors else ""
    return "uS" if kind.startswith("cond") else "mV" if kind == "curr_delta" else "nA"


def _reason(error: BaseException) -> str:
    """What the system said; HDF5 puts much around it."""
    said = re.search(r"error message = '([^']*)'", str(error))
    code = getattr(error, "errno", None)
    text = said.group(1) if said else os.strerror(code) if code else str(error).splitlines()[0] if str(error) else type(error).__name__
    return text[:1].lower() + text[1:].strip(".")


def _is_locked(error: BaseException) -> bool:
    """True if the system refused the file because somebody else has it open."""
    return isinstance(error, BlockingIOError) or "unable to lock file" in str(error)
