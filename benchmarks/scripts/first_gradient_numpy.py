"""Loss and gradient norms of a three-layer net, by hand in float64: what the other scripts must print."""

import json
import time

import numpy as np
from net import WIDTHS, batch, weights

start = time.perf_counter()

x, y = batch()
layers = [(w.astype(np.float64), b.astype(np.float64)) for w, b in weights()]
acts = [x.astype(np.float64)]
for w, b in layers[:-1]:
    acts.append(np.maximum(acts[-1] @ w.T + b, 0.0))
w, b = layers[-1]
logits = acts[-1] @ w.T + b
logits -= logits.max(axis=1, keepdims=True)
total = np.exp(logits).sum(axis=1, keepdims=True)
rows = np.arange(len(y))
loss = np.mean(np.log(total[:, 0]) - logits[rows, y])
g = np.exp(logits) / total
g[rows, y] -= 1.0
g /= len(y)
norms = []
for i in reversed(range(len(WIDTHS) - 1)):
    norms.append(float(np.linalg.norm(g.T @ acts[i])))
    g = (g @ layers[i][0]) * (acts[i] > 0)
found = [float(loss), *norms[::-1]]
print("seconds", time.perf_counter() - start)
print(json.dumps(found))
