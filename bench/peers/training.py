"""Examples a second that PyTorch trains on one thread, as `cargo bench --bench kernels` counts them.

Prints, for each model: its name as there, and the rate.
"""

import time

import torch
from torch import nn

BATCHES = [32, 10]
REPETITIONS = 15
SPAN = 0.06

torch.set_num_threads(1)
torch.manual_seed(1)


def mlp(*widths):
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


CASES = {
    "mlp 784-64-10": mlp(784, 64, 10),
    "mlp 784-128-10": mlp(784, 128, 10),
    "mlp 784-200-200-10": mlp(784, 200, 200, 10),
    "cnn 21,840": nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 10, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(10, 20, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(320, 50),
        nn.ReLU(),
        nn.Linear(50, 10),
    ),
}


def rate(model, batch):
    loss = nn.CrossEntropyLoss()
    descent = torch.optim.SGD(model.parameters(), lr=0.05)
    x = torch.rand(batch, 784)
    labels = torch.randint(0, 10, (batch,))

    def step():
        descent.zero_grad(set_to_none=True)
        loss(model(x), labels).backward()
        descent.step()

    step()
    rates = []
    for _ in range(REPETITIONS):
        start, batches = time.perf_counter(), 0
        while time.perf_counter() - start < SPAN:
            step()
            batches += 1
        rates.append(batches * batch / (time.perf_counter() - start))
    return sorted(rates)[REPETITIONS // 2]


for batch in BATCHES:
    for name, model in CASES.items():
        print(f"{f'{name}, batch {batch}':32} {rate(model, batch):12.0f}")
