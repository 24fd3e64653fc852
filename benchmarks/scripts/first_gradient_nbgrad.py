"""Loss and gradient norms of a three-layer net, in eager nbgrad."""

import json
import time

import numpy as np
from net import batch, weights

import nbgrad as ng

start = time.perf_counter()

layers = [(ng.tensor(w, requires_grad=True), ng.tensor(b, requires_grad=True)) for w, b in weights()]
x, y = (ng.tensor(a) for a in batch())
for w, b in layers[:-1]:
    x = ng.relu(x @ w.T + b)
w, b = layers[-1]
loss = ng.cross_entropy(x @ w.T + b, y)
loss.backward()
found = [loss.item(), *(float(np.linalg.norm(w.grad.numpy())) for w, _ in layers)]
print("seconds", time.perf_counter() - start)
print(json.dumps(found))
