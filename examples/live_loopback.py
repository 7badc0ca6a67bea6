"""A closed loop with a program outside: spikes go out over UDP, an answer comes back while the network runs.

Ten sensor cells drive ten motor cells, in real time. The client knows nothing of neurosim but the
format of a datagram (docs/live.md): when motor cell k fires it lets sensor cell k + 1 fire, so that
a spike runs in circles through the network and the client. Here the client is a thread; it could as
well be another program, or a robot.

    python examples/live_loopback.py
"""

import socket
import struct
import threading
import time

import neurosim as sim

N, DURATION = 10, 1000.0  # cells, ms
SENSORS, MOTORS = 100, 200  # what datagrams call the two populations


def client(own, address, trips):
    """Answer every motor spike with a spike of the next sensor; note how long each turn took."""
    header, event = struct.Struct("<4sBBHId"), struct.Struct("<IId")

    def send(cell):
        own.sendto(header.pack(b"NSEV", 1, 0, 1, 0, 0.0) + event.pack(SENSORS, cell, -1.0), address)

    send(0)
    sent = time.perf_counter()
    while True:
        datagram = own.recv(2048)
        if not datagram:  # the end, see below
            return
        _magic, _version, _flags, count, _sequence, _slice_ms = header.unpack_from(datagram)
        for number in range(count):
            _key, cell, time_ms = event.unpack_from(datagram, header.size + number * event.size)
            trips.append((time.perf_counter() - sent, time_ms))
            sent = time.perf_counter()
            send((cell + 1) % N)


sim.setup(timestep=0.1, pace="realtime", time_slice=2.0)
sensors = sim.Population(N, sim.SpikeInjector(), label="sensors")
motors = sim.Population(N, sim.IF_curr_exp(tau_refrac=5.0, tau_syn_E=1.0), label="motors")
sim.Projection(sensors, motors, sim.OneToOneConnector(), sim.StaticSynapse(weight=20.0, delay=1.0))
motors.record("spikes")

own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(("127.0.0.1", 0))
way_in = sim.live_input(sensors, port=0, key=SENSORS)
sim.live_output(motors, port=own.getsockname()[1], key=MOTORS)

sim.run(0.0)  # builds the network and compiles, so that real time begins with what follows
trips = []
thread = threading.Thread(target=client, args=(own, way_in.address, trips), daemon=True)
thread.start()
sim.run(DURATION)
own.sendto(b"", own.getsockname())
thread.join()

turns = sorted(1000.0 * seconds for seconds, _ in trips[1:])
print(f"{len(trips)} spikes answered in {DURATION:g} ms; a turn took {turns[len(turns) // 2]:.1f} ms (median), {turns[-1]:.1f} ms at most")
print(f"motor cells fired {motors.mean_spike_count() * N:.0f} times")
print(sim.live_report())
print(sim.realtime_report())
sim.end()
