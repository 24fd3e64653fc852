"""Loss and gradient norms of a three-layer net, in eager torch."""

import json
import time

import torch
from net import batch, weights

start = time.perf_counter()

layers = [tuple(torch.from_numpy(p).requires_grad_() for p in layer) for layer in weights()]
x, y = (torch.from_numpy(a) for a in batch())
for w, b in layers[:-1]:
    x = torch.relu(x @ w.T + b)
w, b = layers[-1]
loss = torch.nn.functional.cross_entropy(x @ w.T + b, y)
loss.backward()
found = [loss.item(), *(float(torch.linalg.norm(w.grad)) for w, _ in layers)]
print("seconds", time.perf_counter() - start)
print(json.dumps(found))
