# STAND-IN by the lead: overwrite me
def __getattr__(n):
    if n.startswith('__'): raise AttributeError(n)
    def missing(*a, **k): raise NotImplementedError(n)
    return missing
