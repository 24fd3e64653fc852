# STAND-IN by the lead until the real file lands: overwrite me
import ctypes, numpy as np
class Program:
    def __init__(self,addr,words,tiles,np_):
        self.f=ctypes.CFUNCTYPE(None,ctypes.c_int64,ctypes.c_int64)(addr); self.words=words; self.tiles=tiles
    @property
    def address(self): return self
def make_program(addr, words, tiles, pointers): return Program(addr,words,tiles,pointers)
def call(p,*arrays):
    b=np.array([*(a.ctypes.data for a in arrays),*p.words],np.int64)
    for t in range(p.tiles): p.f(b.ctypes.data,t)
