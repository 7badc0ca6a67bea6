"""How our functions are compiled: as few, and as much at once, as possible.

Two decorators. :func:`entry` is for functions called from Python, or whose address is taken: they are
compiled with all they call into one piece of machine code, which is cached. :func:`inner` is for
functions that only compiled code calls: they exist as unoptimised code in their callers, without
the wrappers, the optimisation and the machine code of their own that Numba gives every function,
and are not cached. That takes a third of the time to compile, and gives the same machine code.

Loading an entry from the cache does without Numba's tables of implementations, which only
compiling needs and which take longer to build than everything else in a small script.

Neither keeps count of references to arrays: entries do not allocate unless they say ``allocates``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.core import compiler, sigutils
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.runtime import rtsys


class _Cache(FunctionCache):
    """Numba's cache on disk; a hit needs no tables of implementations."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function for a signature, or ``None``."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)
        return None


class _Part(JITCodeLibrary):
    """Code that is linked into its callers as it is."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """No address: there is no machine code."""
        return 0

    @property
    def codegen(self) -> Any:
        """What Numba sets up the function's environment with, of which it has none."""
        return _NoEnvironment


class _Separate(_Part):
    """The same, as a function of its own that is not merged into its callers."""

    def _optimize_functions(self, ll_module: Any) -> None:
        super()._optimize_functions(ll_module)
        for function in ll_module.functions:
            if not function.is_declaration and function.name.startswith("_ZN8neurosim"):
                function.add_function_attribute("noinline")


class _NoEnvironment:
    @staticmethod
    def set_env(env_name: str, env: object) -> None:
        """Nothing to set."""


class _PartCompiler(compiler.Compiler):
    """Numba's compiler, with code that is only linked."""

    library_class = _Part

    def __init__(self, typingctx: Any, targetctx: Any, library: Any, *rest: Any) -> None:
        library = self.library_class(targetctx.codegen(), "part") if library is None else library
        super().__init__(typingctx, targetctx, library, *rest)


class _SeparateCompiler(_PartCompiler):
    library_class = _Separate


def entry(*, allocates: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that Python calls."""

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(error_model="numpy", no_cfunc_wrapper=True, _nrt=allocates, **options)(function)
        dispatcher._cache = _Cache(function)
        return dispatcher

    return decorate


def inner(*, allocates: bool = False, separate: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that only compiled code calls."""
    made = _SeparateCompiler if separate else _PartCompiler
    return numba.njit(
        error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=allocates, pipeline_class=made, **options
    )


def callback(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that is called through its address."""

    def decorate(function: Callable[..., Any]) -> CFunc:
        made = CFunc(function, sigutils.normalize_signature(signature), {}, {"error_model": "numpy", "_nrt": False})
        made._cache = _Cache(function)
        made.compile()
        return made

    return decorate
