"""Floor 0: what is true without arrays or ops."""
