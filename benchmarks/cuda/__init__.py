"""nbgrad and its peers on a GPU: `python -m benchmarks.cuda`. Cases are records in `kernels.py`, `products.py` and `steps.py`."""
