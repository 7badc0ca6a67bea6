"""Cache lines asked for before they are needed.

The processor foresees runs of memory, but not where the next run begins. Where that is known, it is
told: a line that comes from the main memory takes as long as some hundred additions.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _prefetch(context: Any, builder: Any, signature: Any, args: Any, locality: int) -> Any:
    fields = context.make_array(signature.args[0])(context, builder, args[0])
    pointer = builder.bitcast(builder.gep(fields.data, [args[1]]), ir.IntType(8).as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, *[ir.IntType(32)] * 3])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    builder.call(function, [pointer, *(ir.Constant(ir.IntType(32), flag) for flag in (0, locality, 1))])
    return context.get_dummy_value()


@intrinsic
def fetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Fetch the line of ``array[index]``."""
    return types.void(array, types.intp), lambda *made: _prefetch(*made, locality=3)


@intrinsic
def fetch_once(typingctx: Any, array: Any, index: Any) -> Any:
    """Fetch the line of ``array[index]``, which is read once: into the nearest cache only.

    In the larger caches it would take the place of the cells' state.
    """
    return types.void(array, types.intp), lambda *made: _prefetch(*made, locality=0)
