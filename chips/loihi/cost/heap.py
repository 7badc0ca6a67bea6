"""Binary heaps in two arrays: earliest key first, of equal keys the smallest tag."""

from __future__ import annotations

from neurosim._jit import inner


@inner()
def put(keys, tags, size, key, tag):
    """Add an entry to the ``size`` that there are; gives the new size."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] < key or (keys[above] == key and tags[above] <= tag):
            break
        keys[at], tags[at] = keys[above], tags[above]
        at = above
    keys[at], tags[at] = key, tag
    return size + 1


@inner()
def drop_first(keys, tags, size):
    """Remove the first entry, which is at 0; gives the new size."""
    size -= 1
    key, tag = keys[size], tags[size]
    at = 0
    while 2 * at + 1 < size:
        below = 2 * at + 1
        other = below + 1
        if other < size and (keys[other] < keys[below] or (keys[other] == keys[below] and tags[other] < tags[below])):
            below = other
        if key < keys[below] or (key == keys[below] and tag <= tags[below]):
            break
        keys[at], tags[at] = keys[below], tags[below]
        at = below
    keys[at], tags[at] = key, tag
    return size
