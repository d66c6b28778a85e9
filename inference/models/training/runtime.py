"""ONNX Runtime by its C API, which Debian has no Python package for.

It loads the library that `make build` leaves in lib/pantau. The numbers are the
places of the functions in struct OrtApi (onnxruntime_c_api.h), which only ever
grows at its end.
"""

import ctypes
import pathlib

import numpy as np

LIBRARY = pathlib.Path(__file__).resolve().parents[3] / "lib/pantau/libonnxruntime.so.1"
API_VERSION = 17
FLOAT, UINT8 = 1, 2  # ONNXTensorElementDataType

_P = ctypes.c_void_p
_FUNCTIONS = {  # place, types of the arguments
    "CreateEnv": (3, [ctypes.c_int, ctypes.c_char_p, _P]),
    "CreateSessionFromArray": (8, [_P, _P, ctypes.c_size_t, _P, _P]),
    "Run": (9, [_P, _P, _P, _P, ctypes.c_size_t, _P, ctypes.c_size_t, _P]),
    "CreateSessionOptions": (10, [_P]),
    "SetSessionGraphOptimizationLevel": (23, [_P, ctypes.c_int]),
    "SetIntraOpNumThreads": (24, [_P, ctypes.c_int]),
    "SessionGetOutputCount": (31, [_P, _P]),
    "SessionGetInputName": (36, [_P, ctypes.c_size_t, _P, _P]),
    "SessionGetOutputName": (37, [_P, ctypes.c_size_t, _P, _P]),
    "CreateTensorWithDataAsOrtValue": (49, [_P, _P, ctypes.c_size_t, _P, ctypes.c_size_t, ctypes.c_int, _P]),
    "GetTensorMutableData": (51, [_P, _P]),
    "GetDimensionsCount": (61, [_P, _P]),
    "GetDimensions": (62, [_P, _P, ctypes.c_size_t]),
    "GetTensorTypeAndShape": (65, [_P, _P]),
    "CreateCpuMemoryInfo": (69, [ctypes.c_int, ctypes.c_int, _P]),
    "GetAllocatorWithDefaultOptions": (78, [_P]),
}
_RELEASE = {"ReleaseSession": 95, "ReleaseValue": 96, "ReleaseTensorTypeAndShapeInfo": 99}


class Api:
    """The functions of the library, as methods that raise RuntimeError."""

    def __init__(self, library=LIBRARY):
        if not pathlib.Path(library).exists():
            raise FileNotFoundError(f"{library} is not there: run `make build` first")
        base = ctypes.CDLL(str(library)).OrtGetApiBase
        base.restype = ctypes.POINTER(_P)
        table = ctypes.CFUNCTYPE(_P, ctypes.c_uint32)(base()[0])(API_VERSION)
        self._table = ctypes.cast(table, ctypes.POINTER(_P))
        self._message = ctypes.CFUNCTYPE(ctypes.c_char_p, _P)(self._table[2])
        for name, (place, types) in _FUNCTIONS.items():
            setattr(self, name, self._checked(name, ctypes.CFUNCTYPE(_P, *types)(self._table[place])))
        for name, place in _RELEASE.items():
            setattr(self, name, ctypes.CFUNCTYPE(None, _P)(self._table[place]))
        self.env, self.memory, self.allocator = _P(), _P(), _P()
        self.CreateEnv(3, b"pantau", ctypes.byref(self.env))
        self.CreateCpuMemoryInfo(1, 0, ctypes.byref(self.memory))
        self.GetAllocatorWithDefaultOptions(ctypes.byref(self.allocator))

    def _checked(self, name, function):
        def call(*arguments):
            status = function(*arguments)
            if status:
                raise RuntimeError(f"{name}: {self._message(status).decode()}")
        return call


class Session:
    """A model that runs on one thread. The input is float32 or uint8, as the array."""

    _api = None

    def __init__(self, model):
        """model: the bytes of an ONNX file."""
        Session._api = self.api = Session._api or Api()
        options, self._session = _P(), _P()
        self.api.CreateSessionOptions(ctypes.byref(options))
        self.api.SetIntraOpNumThreads(options, 1)
        self.api.SetSessionGraphOptimizationLevel(options, 99)
        self.api.CreateSessionFromArray(self.api.env, model, len(model), options, ctypes.byref(self._session))
        count = ctypes.c_size_t()
        self.api.SessionGetOutputCount(self._session, ctypes.byref(count))
        self._input = self._name(self.api.SessionGetInputName, 0)
        self.outputs = [self._name(self.api.SessionGetOutputName, i) for i in range(count.value)]

    def _name(self, function, i):
        text = ctypes.c_char_p()
        function(self._session, i, self.api.allocator, ctypes.byref(text))
        return text.value

    def __call__(self, x):
        """Gives the outputs for x, as new float32 arrays."""
        x = np.ascontiguousarray(x)
        kind = {np.dtype("float32"): FLOAT, np.dtype("uint8"): UINT8}[x.dtype]
        shape = (ctypes.c_int64 * x.ndim)(*x.shape)
        value, n = _P(), len(self.outputs)
        self.api.CreateTensorWithDataAsOrtValue(self.api.memory, x.ctypes.data, x.nbytes, shape, x.ndim, kind,
                                                ctypes.byref(value))
        names, results = (ctypes.c_char_p * n)(*self.outputs), (_P * n)()
        try:
            self.api.Run(self._session, None, (ctypes.c_char_p * 1)(self._input), (_P * 1)(value), 1, names, n, results)
            return [self._array(r) for r in results]
        finally:
            self.api.ReleaseValue(value)
            for r in results:
                if r:
                    self.api.ReleaseValue(r)

    def _array(self, value):
        info, count, data = _P(), ctypes.c_size_t(), _P()
        self.api.GetTensorTypeAndShape(value, ctypes.byref(info))
        self.api.GetDimensionsCount(info, ctypes.byref(count))
        shape = (ctypes.c_int64 * count.value)()
        self.api.GetDimensions(info, shape, count.value)
        self.api.ReleaseTensorTypeAndShapeInfo(info)
        self.api.GetTensorMutableData(value, ctypes.byref(data))
        floats = ctypes.cast(data, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(floats, tuple(shape)).copy()

    def __del__(self):
        if getattr(self, "_session", None):
            self.api.ReleaseSession(self._session)
