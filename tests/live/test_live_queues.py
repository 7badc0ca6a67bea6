"""Queues are bounded, drop the newest, and count what they drop; sockets and threads are gone after close."""

from __future__ import annotations

import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from neurosim.errors import LossWarning, NetworkError, ParameterError, SocketError
from neurosim.live import Hub, LiveInput, LiveReport, pack, unpack
from neurosim.live.events import HEADER, MAGIC
from neurosim.live.outputs import Sender


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    made.close()


def until(true: Callable[[], bool], seconds: float = 3.0) -> bool:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.002)
    return true()


def post(live_input: LiveInput, *datagrams: bytes) -> None:
    assert live_input.address is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for datagram in datagrams:
            client.sendto(datagram, live_input.address)


# --- the queue of an input ---------------------------------------------------------------------------
def test_spikes_without_a_time_are_due_at_the_step_they_are_fetched() -> None:
    way = LiveInput(0, 10, "in", key=0)
    assert way.send([3, 1, 3]) == 3
    assert way.next_step() is None
    way.fetch(50, 0.1)
    cells, times = way.due(50)
    assert cells.tolist() == [3, 1, 3]
    assert times.tolist() == [5.0] * 3
    assert (way.injected, way.next_step(), dict(way.dropped)) == (3, None, {})


def test_spikes_with_a_time_are_held_until_then_in_order_of_time() -> None:
    way = LiveInput(0, 10, "in", key=0)
    way.send([1, 2, 3], [2.0, 1.04, 1.0])
    way.fetch(0, 0.1)
    assert way.next_step() == 10
    assert [a.tolist() for a in way.due(10)] == [[3], [1.0]]
    assert way.next_step() == 11
    assert [a.tolist() for a in way.due(11)] == [[2], [1.04]]
    way.send(4, 1.5)
    way.fetch(12, 0.1)
    assert [a.tolist() for a in way.due(20)] == [[4, 1], [1.5, 2.0]]


def test_a_time_that_has_passed_is_too_late_and_counted() -> None:
    way = LiveInput(0, 10, "in", key=0)
    way.send([1, 2], [0.9, 1.0])
    way.fetch(10, 0.1)
    assert way.due(10)[0].tolist() == [2]
    assert dict(way.dropped) == {"too late": 1}


def test_a_full_queue_drops_the_newest() -> None:
    way = LiveInput(0, 10, "in", key=0, capacity=4)
    assert way.send([1, 2, 3]) == 3
    assert way.send([4, 5]) == 1
    assert way.send([6]) == 0
    way.fetch(0, 0.1)
    assert way.due(0)[0].tolist() == [1, 2, 3, 4]
    assert dict(way.dropped) == {"queue full": 2}
    assert way.send([7]) == 1


def test_spikes_that_are_held_count_as_waiting() -> None:
    way = LiveInput(0, 10, "in", key=0, capacity=4)
    assert way.send([1, 2, 3], 100.0) == 3
    way.fetch(0, 0.1)
    assert way.send([4, 5, 6]) == 1
    way.fetch(1, 0.1)
    way.due(1)
    assert way.send([4, 5]) == 1


def test_clear_counts_what_waited() -> None:
    way = LiveInput(0, 10, "in", key=0)
    way.send([1, 2], 9.0)
    way.fetch(0, 0.1)
    way.send([3])
    way.clear()
    way.fetch(0, 0.1)
    assert way.next_step() is None
    assert dict(way.dropped) == {"reset": 3}


def test_many_threads_lose_nothing_uncounted() -> None:
    way = LiveInput(0, 10, "in", key=0, capacity=500)
    threads = [threading.Thread(target=lambda: [way.send([1, 2, 3]) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        way.fetch(0, 0.1)
        way.due(0)
    way.fetch(0, 0.1)
    way.due(0)
    assert way.injected + way.dropped["queue full"] == 4 * 200 * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([10],), r"\[10\] are not all indices of one of its 10 cells. Give integers from 0 to 9"),
        (([-1],), r"\[-1\] are not all indices"),
        (([0.5],), r"\[0.5\] are not all indices"),
        (([[1, 2]],), "are not all indices"),
        (([1, 2], [1.0]), r"times_ms has the shape \(1,\) for 2 cells"),
        (([1], [-1.0]), "or times that are not from 0 to 1e.12 ms. Give one time in ms for all, or one per cell"),
        (([1], [np.nan]), "or times that are not"),
        (([1], [np.inf]), "or times that are not"),
    ],
)
def test_what_cannot_fire_is_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ParameterError, match=f"Population 'in': .*{message}"):
        LiveInput(0, 10, "in", key=0).send(*arguments)  # type: ignore[arg-type]


# --- ports -------------------------------------------------------------------------------------------
def test_datagrams_reach_the_population_of_their_key(hub: Hub) -> None:
    a = hub.add_input(0, 10, "a", port=0)
    assert a.address is not None
    b = hub.add_input(1, 10, "b", port=a.address[1], key=77)
    assert (a.key, b.key, len(hub.ports)) == (0, 77, 1)
    mixed = HEADER.pack(MAGIC, 1, 0, 2, 0, 0.0) + pack(0, [5])[0][HEADER.size :] + pack(77, [6])[0][HEADER.size :]
    post(a, *pack(0, [1, 2]), *pack(77, [3]), mixed)
    assert until(lambda: hub.ports[0].datagrams == 3)
    hub.open_slice(0, 10, 0.1)
    assert [(population, cells.tolist()) for population, cells, _ in hub.due(0)] == [(0, [1, 2, 5]), (1, [3, 6])]


def test_bad_datagrams_keys_cells_and_times_are_counted_and_do_no_harm(hub: Hub) -> None:
    way = hub.add_input(0, 10, "in", port=0)
    port = hub.ports[0]
    noise = np.random.default_rng(1)
    bad = [b"", b"hello", bytes(2000), *(noise.bytes(int(n)) for n in noise.integers(0, 1400, 20)), pack(0, [1])[0][:-1]]
    post(way, *bad, *pack(5, [1, 2]), *pack(0, [1, 10, 4_000_000_000]), *pack(0, [2, 3], [np.inf, 1e300]), *pack(0, [4]))
    assert until(lambda: port.datagrams == len(bad) + 4)
    hub.open_slice(0, 10, 0.1)
    assert [cells.tolist() for _, cells, _ in hub.due(0)] == [[1, 4]]
    assert dict(port.dropped) == {"bad packet": len(bad), "unknown key": 2}
    assert dict(way.dropped) == {"unknown cell": 2, "bad time": 2}
    assert hub.report().dropped == len(bad) + 2 + 4


def test_everything_dropped_is_named_in_one_warning_once(hub: Hub) -> None:
    way = hub.add_input(0, 10, "in", port=0, capacity=2)
    way.send([1, 2, 3])
    post(way, b"?")
    assert until(lambda: hub.ports[0].datagrams == 1)
    number = hub.ports[0].number
    with pytest.warns(LossWarning, match=rf"live: dropped at Population 'in' \(1 queue full\); UDP 127.0.0.1:{number} \(1 bad packet\)"):
        hub.warn()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hub.warn()
    way.send([1])
    with pytest.warns(LossWarning, match=r"live: dropped at Population 'in' \(1 queue full\)\. live_report\(\) has the counts"):
        hub.warn()
    assert f"UDP 127.0.0.1:{number}: 1 datagrams read; dropped: 1 bad packet" in str(hub.report())
    assert hub.report().table()[0]["dropped"] == {"queue full": 2}


def test_a_port_listens_on_this_machine_only(hub: Hub) -> None:
    way = hub.add_input(0, 10, "in", port=0)
    assert way.address == ("127.0.0.1", hub.ports[0].number)


def test_close_ends_the_threads_and_frees_the_port() -> None:
    hub = Hub()
    number = hub.add_input(0, 10, "in", port=0).address[1]  # type: ignore[index]
    hub.add_output(1, 5, "out", port=9)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("neurosim-live")]
    hub.close()
    hub.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("neurosim-live")]
    assert hub.ports[0].closed
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", number))


def test_a_forgotten_hub_closes_itself() -> None:
    hub = Hub()
    hub.add_input(0, 10, "in", port=0)
    port = hub.ports[0]
    del hub
    assert until(lambda: port.closed)


# --- outputs -----------------------------------------------------------------------------------------
def test_a_slice_goes_out_in_order_of_time_with_sequence_numbers(hub: Hub) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.settimeout(3.0)
        seen = []
        out = hub.add_output(4, 200, "out", callback=lambda *spikes: seen.append(spikes), port=client.getsockname()[1])
        out.collect(np.arange(100), np.full(100, 2.0))
        out.collect(np.array([7]), np.array([1.0]))
        hub.close_slice(5.0)
        hub.close_slice(10.0)
        first, second = unpack(client.recv(2000)), unpack(client.recv(2000))
    assert (first.sequence, second.sequence, first.slice_ms) == (0, 1, 5.0)
    assert first.indices[:3].tolist() == [7, 0, 1]
    assert len(first.indices) + len(second.indices) == 101
    assert set(first.keys) == {4}
    ((label, times, cells),) = seen
    assert (label, times[0], cells[0], len(cells)) == ("out", 1.0, 7, 101)
    assert out.handed_out == 101


def test_a_full_sender_drops_the_newest_and_counts_spikes(hub: Hub) -> None:
    out = hub.add_output(0, 1000, "out", port=9)
    assert out.sender is not None
    out.sender.capacity = 2
    with out.sender._changed:  # nothing is taken from the queue meanwhile
        out.collect(np.arange(300), np.zeros(300))
        hub.close_slice(1.0)
    assert dict(out.dropped) == {"queue full": 300 - 2 * 86}
    assert out.sender.flush()


def test_what_the_network_refuses_is_counted() -> None:
    sender, hub = Sender(), Hub()
    out = hub.add_output(0, 10, "out", callback=print)
    sender.post([(pack(0, [1, 2, 3])[0], ("256.0.0.1", 1), out)])
    assert until(lambda: out.dropped["not sent"] == 3)
    sender.close()
    assert sender.closed
    assert sender.post([(b"", ("127.0.0.1", 9), out)]) == 0


# --- refusals ----------------------------------------------------------------------------------------
def test_a_port_in_use_is_refused(hub: Hub) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        number = other.getsockname()[1]
        with pytest.raises(SocketError, match=f"UDP 127.0.0.1:{number}: the port is in use by another program. Choose another, or port=0"):
            hub.add_input(0, 10, "in", port=number)
    assert isinstance(SocketError("x"), OSError)
    assert hub.inputs == {}


def test_an_address_of_another_machine_is_refused(hub: Hub) -> None:
    with pytest.raises(SocketError, match=r"UDP 192.0.2.1:0: nothing can listen there \(.*\). Give an address of this machine"):
        hub.add_input(0, 10, "in", port=0, host="192.0.2.1")


def test_an_unknown_host_is_refused(hub: Hub) -> None:
    with pytest.raises(SocketError, match=r"UDP no.such.host.invalid: the host is not known"):
        hub.add_output(0, 10, "out", port=9, host="no.such.host.invalid")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"port": 70_000}, "70000 is not the number of a UDP port. Give 0 to 65535"),
        ({"port": "x"}, "'x' is not the number of a UDP port"),
        ({"key": -1}, "key=-1 does not fit 32 bits. Give 0 to 4294967295"),
        ({"capacity": 0}, "capacity=0 is not a whole number from 1 to 100,000,000. For example 10000"),
        ({"callback": 3}, "callback=3 cannot be called. Give a function"),
    ],
)
def test_settings_that_cannot_be_are_refused(hub: Hub, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        hub.add_input(0, 10, "in", **settings)  # type: ignore[arg-type]


def test_an_output_to_nobody_is_refused(hub: Hub) -> None:
    with pytest.raises(
        ParameterError, match=r"Population 'out': a live output needs somebody to give the spikes to. Give callback= or port="
    ):
        hub.add_output(0, 10, "out")
    with pytest.raises(ParameterError, match=r"0 is not the number of a UDP port. Give 1 to 65535"):
        hub.add_output(0, 10, "out", port=0)


def test_a_second_input_and_a_key_given_twice_are_refused(hub: Hub) -> None:
    number = hub.add_input(0, 10, "a", port=0).address[1]  # type: ignore[index]
    with pytest.raises(NetworkError, match=r"Population 'a': has a live input already. Give port and callback in one call"):
        hub.add_input(0, 10, "a")
    with pytest.raises(NetworkError, match=f"Population 'b': key 0 belongs to population 'a' at port {number}. Give another key"):
        hub.add_input(1, 10, "b", port=number, key=0)


def test_a_report_of_nothing_says_so() -> None:
    assert str(LiveReport()) == "no live input or output"
    assert LiveReport().dropped == 0
