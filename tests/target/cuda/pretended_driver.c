/* A driver of CUDA without a device: memory is the host's, kernels do nothing, and what is asked for is written down.

   What a package of CUDA kernels calls goes through its own checks of names, types and contexts, as on a device. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *P;
typedef unsigned long long D;
typedef struct { unsigned grid[3], block[3], shared; P stream; P attributes; unsigned count; } Launch;

static int fault;
static P capturing;
static uintptr_t handles = 0x1000;
static __thread P stack[64];
static __thread int depth;

static FILE *notes(void) {
    static FILE *file;
    if (!file) { file = fopen(getenv("PRETENDED_NOTES"), "a"); setvbuf(file, 0, _IOLBF, 0); }
    return file;
}
#define NOTE(...) fprintf(notes(), __VA_ARGS__)
#define CURRENT (depth ? stack[depth - 1] : 0)
#define WORK if (!CURRENT) { NOTE("no context: %s\n", __func__); return 201; } if (fault) return fault
#define MADE(x) *(x) = (P)(handles += 16)

int pretended_fault(int code) { return fault = code; }

int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int *v) { *v = 13020; return 0; }
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGet(int *d, int i) { *d = i; return 0; }
int cuDeviceGetName(char *name, int n, int d) { snprintf(name, n, "Pretended"); return 0; }
int cuDeviceGetUuid_v2(char *u, int d) { memset(u, 1, 16); return 0; }
int cuDeviceGetAttribute(int *v, int a, int d) { *v = a == 75 ? 9 : a == 76 ? 0 : a == 1 ? 1024 : 1; return 0; }
int cuDevicePrimaryCtxRetain(P *c, int d) { *c = (P)0xC0; return 0; }
int cuDevicePrimaryCtxRelease_v2(int d) { return 0; }
int cuDevicePrimaryCtxReset_v2(int d) { return 0; }
int cuCtxGetCurrent(P *c) { *c = CURRENT; return 0; }
int cuCtxSetCurrent(P c) { if (!depth) depth = 1; stack[depth - 1] = c; return 0; }
int cuCtxPushCurrent_v2(P c) { stack[depth++] = c; return 0; }
int cuCtxPopCurrent_v2(P *c) { *c = CURRENT; depth--; return 0; }
int cuCtxGetDevice(int *d) { *d = 0; return 0; }
int cuCtxSynchronize(void) { WORK; return 0; }
int cuIpcOpenMemHandle_v2(P *p) { return 1; }
int cuPointerGetAttribute(P data, int a, D p) { *(D *)data = a == 1 ? 0xC0 : p; return 0; }

int cuMemAlloc_v2(D *p, size_t n) { WORK; n = (n + 255) / 256 * 256; *p = (D)(uintptr_t)memset(aligned_alloc(256, n), 0, n); return 0; }
int cuMemFree_v2(D p) { free((P)(uintptr_t)p); NOTE("free\n"); return 0; }
int cuMemHostAlloc(P *p, size_t n, unsigned flags) { WORK; *p = calloc(1, n); return 0; }
int cuMemHostGetDevicePointer_v2(D *d, P p, unsigned flags) { WORK; *d = (D)(uintptr_t)p; return 0; }
int cuMemFreeHost(P p) { free(p); return 0; }
int cuEventCreate(P *e, unsigned flags) { WORK; MADE(e); return 0; }
int cuEventDestroy_v2(P e) { return 0; }
int cuEventRecord(P e, P stream) { WORK; return 0; }
int cuEventQuery(P e) { WORK; return 0; }
int cuEventSynchronize(P e) { WORK; NOTE("wait for event\n"); return 0; }
int cuMemGetInfo_v2(size_t *free, size_t *total) { *free = *total = (size_t)1 << 36; return 0; }
int cuMemcpyHtoD_v2(D d, P s, size_t n) { WORK; memcpy((P)(uintptr_t)d, s, n); return 0; }
int cuMemcpyDtoH_v2(P d, D s, size_t n) { WORK; memcpy(d, (P)(uintptr_t)s, n); return 0; }
int cuMemcpyDtoD_v2(D d, D s, size_t n) { WORK; memcpy((P)(uintptr_t)d, (P)(uintptr_t)s, n); return 0; }
int cuMemcpyDtoDAsync_v2(D d, D s, size_t n, P stream) { WORK; NOTE("copy\n"); return cuMemcpyDtoD_v2(d, s, n); }
int cuMemcpyHtoDAsync_v2(D d, P s, size_t n, P stream) { WORK; memcpy((P)(uintptr_t)d, s, n); return 0; }
int cuMemcpyDtoHAsync_v2(P d, D s, size_t n, P stream) { WORK; memcpy(d, (P)(uintptr_t)s, n); return 0; }

int cuStreamCreate(P *s, unsigned flags) { WORK; MADE(s); NOTE("stream %s\n", flags ? "aside" : "made"); return 0; }
int cuStreamDestroy_v2(P s) { return 0; }
int cuStreamSynchronize(P s) { WORK; NOTE("wait for %s\n", s ? "stream" : "default"); return 0; }
int cuStreamBeginCapture_v2(P s, int mode) { WORK; capturing = s; NOTE("capture\n"); return s ? 0 : 906; }
int cuStreamEndCapture(P s, P *graph) { capturing = 0; MADE(graph); return 0; }
int cuGraphInstantiateWithFlags(P *made, P graph, D flags) { MADE(made); return 0; }
int cuGraphLaunch(P made, P s) { WORK; NOTE("graph on %s\n", s ? "stream" : "default"); return 0; }
int cuGraphExecDestroy(P made) { return 0; }
int cuGraphDestroy(P graph) { return 0; }

static int launched(P s) {
    NOTE("launch on %s\n", s && s == capturing ? "capture" : s ? "stream" : "default");
    return 0;
}
int cuLaunchKernelEx(const Launch *l, P f, P *a, P *b) { WORK; return launched(l->stream); }
int cuLaunchKernel(P f, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz, unsigned n, P s, P *a, P *b) {
    WORK;
    return launched(s);
}
int cuLibraryLoadData(P *l, const P c, P a, P b, unsigned n, P x, P y, unsigned m) { WORK; MADE(l); return capturing ? 900 : 0; }
int cuLibraryUnload(P l) { return 0; }
int cuLibraryGetKernel(P *k, P l, const char *name) { MADE(k); return 0; }
int cuLibraryGetModule(P *m, P l) { *m = l; return 0; }
int cuKernelGetFunction(P *f, P k) { *f = k; return 0; }
int cuKernelGetAttribute(int *v, int a, P k, int d) { *v = 1; return 0; }
int cuFuncGetAttribute(int *v, int a, P f) { *v = 1; return 0; }
int cuFuncSetAttribute(P f, int a, int v) { return 0; }
int cuLinkCreate_v2(unsigned n, P o, P v, P *s) { MADE(s); return 0; }
int cuLinkAddData_v2(P s, int t, P d, size_t n, const char *name, unsigned k, P o, P v) { return 0; }
int cuLinkComplete(P s, P *code, size_t *n) { static char empty[64]; *code = empty; *n = 64; return 0; }
int cuLinkDestroy(P s) { return 0; }
int cuModuleLoadDataEx(P *m, const P code, unsigned n, P o, P v) { WORK; MADE(m); return capturing ? 900 : 0; }
int cuModuleUnload(P m) { return 0; }
int cuModuleGetFunction(P *f, P m, const char *name) { MADE(f); return 0; }
int cuModuleGetGlobal_v2(D *p, size_t *n, P m, const char *name) { return 500; }
int cuGetErrorName(int code, const char **s) { *s = code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "CUDA_ERROR_OTHER"; return 0; }
int cuGetErrorString(int code, const char **s) { *s = "pretended"; return 0; }

int cuGetProcAddress_v2(const char *name, P *found, int version, D flags, int *status) {
    const char *endings[] = {"_v2", "", "WithFlags"};
    char whole[256];
    Dl_info own;
    dladdr((P)cuInit, &own);
    P library = dlopen(own.dli_fname, RTLD_NOW);
    *found = 0;
    for (int i = 0; i < 3 && !*found; i++) {
        snprintf(whole, sizeof whole, "%s%s", name, endings[i]);
        *found = dlsym(library, whole);
    }
    if (status) *status = *found ? 0 : 1;
    return 0;
}
