"""NVIDIA GPUs: the loops that rows fill there, as text, and what loads them. Nothing here is imported before it is asked for."""
