"""How our functions are compiled: few of them, each with all it calls.

Two decorators. :func:`entry` is for functions that Python calls: each is compiled with all it calls
into one piece of machine code, which is cached. :func:`inner` is for functions that only compiled
code calls. They are linked into their callers unoptimised and optimised there, once; Numba would
give each of them wrappers, optimisation, machine code and a cache entry of its own, which takes
longer than all the rest. :func:`callback` makes an entry that is called through its address.

An entry that is loaded from the cache does without Numba's tables of implementations, which only
compiling needs, and which take longer to set up than everything else that a small script does.

None of them counts references to arrays: only those that say ``allocates`` may make any.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, update_wrapper
from typing import Any

import numba
from llvmlite import binding
from numba.core import compiler, sigutils
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.runtime.nrt import rtsys

from neurosim._cache import are_as_read

#: What the names of the variables begin with that hold a function's Python objects; ours have none.
_ENVIRONMENT = "_ZN08NumbaEnv"


# --- code ------------------------------------------------------------------------------------
def _drop_environments(module: Any, keep: frozenset[str] = frozenset()) -> None:
    """Leave the optimiser free to remove environments; a cached one would load its module."""
    for variable in module.global_variables:
        if variable.name.startswith(_ENVIRONMENT) and variable.name not in keep and not variable.is_declaration:
            variable.linkage = "internal"


class _Part(JITCodeLibrary):
    """Code that is linked into its callers as it is."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout
        _drop_environments(ll_module)

    def _optimize_final_module(self) -> None:
        """Left to the callers."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """No address: there is no machine code."""
        return 0

    @property
    def codegen(self) -> Any:
        """What Numba sets a function's environment with."""
        return _NoEnvironment


class _NoEnvironment:
    @staticmethod
    def set_env(env_name: str, env: object) -> None:
        """Nothing to set: there is no machine code."""


class _Separate(_Part):
    """The same, not merged into its callers: loops over many arrays vectorise better on their own."""

    def _optimize_functions(self, ll_module: Any) -> None:
        super()._optimize_functions(ll_module)
        for function in ll_module.functions:
            if not function.is_declaration:
                function.add_function_attribute("noinline")


class _Whole(JITCodeLibrary):
    """Code of an entry, with all it calls."""

    allocates = False

    def finalize(self) -> None:
        """Link, optimise and compile everything."""
        self._own = frozenset(variable.name for variable in self._final_module.global_variables)
        super().finalize()
        counting = [f.name for f in self._final_module.functions if f.name.startswith("NRT_")]
        assert self.allocates or not counting, f"{self.name} allocates, or calls something that does"

    def _optimize_final_module(self) -> None:
        _drop_environments(self._final_module, self._own)
        super()._optimize_final_module()

    def serialize_using_object_code(self) -> tuple[str, str, tuple[bytes, bytes]]:
        """Machine code for the cache, without the code that other functions could be linked with: none are."""
        self._ensure_finalized()
        names = [f.name for f in self._final_module.functions if not f.is_declaration and f.linkage == binding.Linkage.external]
        text = "".join(f'define void @"{name}"() {{ ret void }}\n' for name in names)
        return self.name, "object", (self._get_compiled_object(), binding.parse_assembly(text).as_bitcode())


class _Compiler(compiler.Compiler):
    """Numba's compiler, with a library of our kind."""

    library: type[JITCodeLibrary] = _Whole
    #: Whether what the arguments point to does not overlap: loops need no check for that.
    apart = False

    def compile_extra(self, func: Callable[..., Any]) -> Any:
        """Compile a function."""
        library = self.library(self.state.targetctx.codegen(), func.__qualname__)
        library.enable_object_caching()
        if isinstance(library, _Whole):
            library.allocates = bool(self.state.flags.nrt)
        self.state.library, self.state.flags.noalias = library, self.apart
        with _paused_collection():
            return super().compile_extra(func)


class _PartCompiler(_Compiler):
    library = _Part


class _SeparateCompiler(_Compiler):
    library, apart = _Separate, True


class _Files(IndexDataCacheFile):
    """A file for each compiled function, named by what it was compiled for.

    Numba numbers its files, and an index says which is which: two processes that compile for different types
    at the same time may both write number 1, and one of them is called with the other's arrays from then on.
    """

    def save(self, key: Any, data: Any) -> None:
        """Keep ``data``."""
        self._save_data(self._name_of(key), data)

    def load(self, key: Any) -> Any:
        """What was kept, or ``None``."""
        try:
            return self._load_data(self._name_of(key))
        except OSError:
            return None

    def _name_of(self, key: Any) -> str:
        text = repr((key, self._source_stamp, self._version))
        return self._data_name(hashlib.blake2b(text.encode(), digest_size=10).hexdigest())  # type: ignore[arg-type]

    def _data_name(self, number: Any) -> str:
        return self._data_name_pattern.replace("{number:d}", str(number))


class _Cache:
    """Numba's cache on disk, opened when it is first needed; a hit needs no tables of implementations."""

    def __init__(self, function: Callable[..., Any], *, allocates: bool) -> None:
        self._function, self._allocates = function, allocates

    @cached_property
    def _files(self) -> FunctionCache:
        found = FunctionCache(self._function)
        impl = found._impl
        name = impl.filename_base + "-allocates" * self._allocates
        found._cache_file = _Files(found.cache_path, name, impl.locator.get_source_stamp())
        return found

    @property
    def cache_path(self) -> str:
        """Folder of the files."""
        return self._files.cache_path

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compiled function for a signature, or ``None``."""
        if self._allocates:
            rtsys.initialize(target_context)
        with self._files._guard_against_spurious_io_errors():
            return self._files._load_overload(signature, target_context)
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a compiled function, unless our sources have changed since this process read them."""
        if are_as_read():
            self._files.save_overload(signature, result)


@contextmanager
def _paused_collection() -> Iterator[None]:
    """No garbage collection inside: going through all that compiling makes, again and again, takes a fifth of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


# --- functions -------------------------------------------------------------------------------
class _Inner:
    """A function for compiled code, made known to Numba when some code that calls it is compiled."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self.py_func, self._options = function, options
        update_wrapper(self, function)

    @cached_property
    def _dispatcher(self) -> Any:
        return numba.njit(**self._options)(self.py_func)

    @property
    def _numba_type_(self) -> Any:
        return self._dispatcher._numba_type_

    @property
    def targetoptions(self) -> dict[str, Any]:
        """Where Numba looks whether to inline."""
        return self._options

    @cached_property
    def _entry(self) -> Any:
        return entry()(self.py_func)

    def __call__(self, *arguments: Any) -> Any:
        """Call from Python: compiled once more, as an entry."""
        return self._entry(*arguments)


def inner(*, allocates: bool = False, separate: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that only compiled code calls; ``separate``: not merged into its callers, and its arrays do not overlap."""
    kind = _SeparateCompiler if separate else _PartCompiler
    flags = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": allocates, "pipeline_class": kind}
    return lambda function: _Inner(function, {**flags, **options})


def entry(*, allocates: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that Python calls."""

    def decorate(function: Callable[..., Any]) -> Any:
        flags: dict[str, Any] = {"error_model": "numpy", "no_cfunc_wrapper": True, "_nrt": allocates, "pipeline_class": _Compiler}
        made: Any = numba.njit(**flags, **options)(function)
        made._cache = _Cache(function, allocates=allocates)
        return made

    return decorate


def callback(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that is called through its address."""

    def decorate(function: Callable[..., Any]) -> Any:
        options = {"error_model": "numpy", "_nrt": False}
        made: Any = CFunc(function, sigutils.normalize_signature(signature), {}, options, pipeline_class=_Compiler)
        made._cache = _Cache(function, allocates=False)
        made.compile()
        return made

    return decorate
