# STAND-IN by the lead until the real file lands: overwrite me
_keep=[]
def load(text, name):
    import tempfile, os, importlib.util, hashlib
    from numba import cfunc, types
    d=tempfile.mkdtemp(); p=os.path.join(d,name+".py"); open(p,"w").write(text)
    spec=importlib.util.spec_from_file_location(name,p); m=importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(m)
    except Exception as e:
        raise RuntimeError(p) from e
    f=getattr(m,name).py_func
    c=cfunc(types.void(types.intp,types.intp),error_model="numpy",fastmath={"contract"})(f)
    _keep.append((m,c))
    return c.address
