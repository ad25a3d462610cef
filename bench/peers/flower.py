"""Rounds with Flower: of clients that train nothing, over gRPC, and of clients that train, in its simulation.

Usage: flower.py grpc DEVICES... | flower.py simulation DEVICES

Prints, for each number of devices: its name as in our bench of the server, and a round's milliseconds at the median.
The model is 784-128-10 as there. In the simulation each client trains one epoch of 600 examples with numpy.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

# Nothing is to be reported to anybody, and one client has one thread.
os.environ.update(FLWR_TELEMETRY_ENABLED="0", RAY_USAGE_STATS_ENABLED="0", OMP_NUM_THREADS="1")

import numpy as np
from flwr.client import ClientApp, NumPyClient
from flwr.common import ndarrays_to_parameters
from flwr.compat.client.app import start_client
from flwr.compat.server.app import start_server
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg
from flwr.simulation import run_simulation

EXAMPLES = 600
BATCH = 32
ROUNDS = 20
# The first rounds are not counted: connections open, processes start.
WARM_UP = 5


def initial():
    draw = np.random.default_rng(1)
    shapes = [(784, 128), (128,), (128, 10), (10,)]
    return [draw.uniform(-0.05, 0.05, shape).astype(np.float32) for shape in shapes]


class Trivial(NumPyClient):
    def fit(self, parameters, config):
        return parameters, EXAMPLES, {}


class Learning(NumPyClient):
    def __init__(self, number):
        draw = np.random.default_rng(number)
        self.x = draw.random((EXAMPLES, 784), dtype=np.float32)
        self.labels = draw.integers(0, 10, EXAMPLES)

    def fit(self, parameters, config):
        # What arrives may not be written to.
        parameters = [values.copy() for values in parameters]
        for start in range(0, EXAMPLES, BATCH):
            step(parameters, self.x[start : start + BATCH], self.labels[start : start + BATCH])
        return parameters, EXAMPLES, {}


def step(parameters, x, labels):
    """One step of SGD for the mean cross-entropy of a batch."""
    w1, b1, w2, b2 = parameters
    hidden = np.maximum(x @ w1 + b1, 0)
    scores = hidden @ w2 + b2
    slope = np.exp(scores - scores.max(1, keepdims=True))
    slope /= slope.sum(1, keepdims=True)
    slope[np.arange(len(labels)), labels] -= 1
    slope /= len(labels)
    below = (slope @ w2.T) * (hidden > 0)
    gradients = [x.T @ below, below.sum(0), hidden.T @ slope, slope.sum(0)]
    for values, gradient in zip(parameters, gradients):
        values -= np.float32(0.05) * gradient


class Timed(FedAvg):
    """The plain mean of all devices; notes when each round begins."""

    def __init__(self, devices):
        super().__init__(
            fraction_fit=1.0,
            fraction_evaluate=0.0,
            min_fit_clients=devices,
            min_available_clients=devices,
            initial_parameters=ndarrays_to_parameters(initial()),
        )
        self.devices = devices
        self.begun = []

    def configure_fit(self, server_round, parameters, client_manager):
        # Here it waits for the devices, before the first round.
        fit = super().configure_fit(server_round, parameters, client_manager)
        self.begun.append(time.perf_counter())
        return fit

    def aggregate_fit(self, server_round, results, failures):
        if len(results) != self.devices:
            sys.exit(f"{len(results)} of {self.devices} devices answered: {failures}")
        return super().aggregate_fit(server_round, results, failures)

    def milliseconds(self):
        rounds = [after - before for before, after in zip(self.begun, self.begun[1:])]
        return 1e3 * sorted(rounds[WARM_UP:])[len(rounds[WARM_UP:]) // 2]


def clients(devices, port):
    """All devices, one thread each, until the server ends."""
    # A client wants the process's signals, which no thread but the first may have.
    signal.signal = lambda *_: None
    server = f"127.0.0.1:{port}"
    threads = [
        threading.Thread(target=start_client, kwargs={"server_address": server, "client": Trivial().to_client()})
        for _ in range(devices)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def over_grpc(devices):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    strategy = Timed(devices)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen([sys.executable, __file__, "clients", str(devices), port], **quiet)
    try:
        start_server(server_address=f"127.0.0.1:{port}", config=ServerConfig(num_rounds=ROUNDS), strategy=strategy)
    finally:
        child.kill()
    report(f"round of {devices} trivial devices, ms", strategy)


def in_simulation(devices):
    strategy = Timed(devices)
    run_simulation(
        server_app=ServerApp(
            server_fn=lambda _: ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=ROUNDS))
        ),
        client_app=ClientApp(client_fn=lambda context: Learning(int(context.node_config["partition-id"])).to_client()),
        num_supernodes=devices,
        backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
    )
    report(f"round of {devices} training devices, ms", strategy)


def report(name, strategy):
    print(f"{name:44} {strategy.milliseconds():10.1f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "clients":
        clients(int(sys.argv[2]), sys.argv[3])
    elif sys.argv[1] == "grpc":
        for devices in sys.argv[2:]:
            over_grpc(int(devices))
    else:
        in_simulation(int(sys.argv[2]))
