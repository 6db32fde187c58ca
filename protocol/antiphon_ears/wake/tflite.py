"""The few calls of TensorFlow Lite's C interface that a wake model needs, by ctypes.

The wake packages bring the library and the models. Their own Python classes are left aside: they
start eight threads a stream, keep the last ten seconds in numpy, and spend 0.3 s of CPU after each
reset; here one thread computes, bytes go in and out, and numpy is not needed.

Source: tensorflow/lite/c/c_api.h.
"""

import ctypes
import importlib.util
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from antiphon_ears.errors import EngineMissingError

_OK: Final = 0


class _Quantization(ctypes.Structure):
    _fields_ = [("scale", ctypes.c_float), ("zero_point", ctypes.c_int32)]


_P = ctypes.c_void_p
_I = ctypes.c_int32
_N = ctypes.c_size_t
_SIGNATURES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "TfLiteModelCreateFromFile": (_P, (ctypes.c_char_p,)),
    "TfLiteModelDelete": (None, (_P,)),
    "TfLiteInterpreterOptionsCreate": (_P, ()),
    "TfLiteInterpreterOptionsSetNumThreads": (None, (_P, _I)),
    "TfLiteInterpreterOptionsDelete": (None, (_P,)),
    "TfLiteInterpreterCreate": (_P, (_P, _P)),
    "TfLiteInterpreterDelete": (None, (_P,)),
    "TfLiteInterpreterResizeInputTensor": (ctypes.c_int, (_P, _I, _P, _I)),
    "TfLiteInterpreterAllocateTensors": (ctypes.c_int, (_P,)),
    "TfLiteInterpreterInvoke": (ctypes.c_int, (_P,)),
    "TfLiteInterpreterGetInputTensor": (_P, (_P, _I)),
    "TfLiteInterpreterGetOutputTensor": (_P, (_P, _I)),
    "TfLiteTensorByteSize": (_N, (_P,)),
    "TfLiteTensorDim": (_I, (_P, _I)),
    "TfLiteTensorType": (ctypes.c_int, (_P,)),
    "TfLiteTensorQuantizationParams": (_Quantization, (_P,)),
    "TfLiteTensorCopyFromBuffer": (ctypes.c_int, (_P, ctypes.c_char_p, _N)),
    "TfLiteTensorCopyToBuffer": (ctypes.c_int, (_P, ctypes.c_char_p, _N)),
}


class Package:
    """An installed package that brings the library (`lib/`) and models (`models/`).

    Raises:
        EngineMissingError: it is not installed, or has no library for this machine.
    """

    def __init__(self, package: str, remedy: str) -> None:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise EngineMissingError(f"{package} is not installed; {remedy}")
        self._remedy = remedy
        self._root = Path(spec.submodule_search_locations[0])
        self.api = self._load()

    def _load(self) -> ctypes.CDLL:
        path = next(iter((self._root / "lib").glob("libtensorflowlite_c.*")), None)
        if path is None:
            raise EngineMissingError(f"{self._root} has no library for this machine")
        try:
            api = ctypes.CDLL(str(path))
        except OSError as error:
            raise EngineMissingError(f"{path} cannot be loaded here: {error}") from None
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(api, name)
            function.restype, function.argtypes = result, arguments
        return api

    def model(self, name: str, input_shape: Sequence[int] | None = None) -> "Model":
        """Load a model by its name, with its input resized if a shape is given.

        Raises:
            EngineMissingError: the file is missing or damaged.
        """
        path = self._root / "models" / f"{name}.tflite"
        handle = self.api.TfLiteModelCreateFromFile(str(path).encode())
        if not handle:
            raise EngineMissingError(f"{path} is missing or damaged; {self._remedy}")
        return Model(self.api, handle, input_shape)


class Model:
    """A loaded model and one interpreter of it: one input tensor, one output tensor."""

    def __init__(self, api: ctypes.CDLL, handle: int, input_shape: Sequence[int] | None) -> None:
        self._api = api
        self._handle = handle
        self._shape = input_shape
        self._state: dict[str, int] = {}
        weakref.finalize(self, _delete, api, handle, self._state)
        self.restart()

    def restart(self) -> None:
        """Begin with fresh state: the only way for models that keep some between calls."""
        if old := self._state.pop("interpreter", None):
            self._api.TfLiteInterpreterDelete(old)
        self._state["interpreter"] = interpreter = self._create()
        if self._shape is not None:
            dims = (_I * len(self._shape))(*self._shape)
            self._api.TfLiteInterpreterResizeInputTensor(interpreter, 0, dims, len(dims))
        self._check(self._api.TfLiteInterpreterAllocateTensors(interpreter), "allocate")
        self._input = self._api.TfLiteInterpreterGetInputTensor(interpreter, 0)
        self._output = self._api.TfLiteInterpreterGetOutputTensor(interpreter, 0)
        self._result = ctypes.create_string_buffer(self._api.TfLiteTensorByteSize(self._output))

    def input_dim(self, axis: int) -> int:
        """Return the size of the input along one axis."""
        return int(self._api.TfLiteTensorDim(self._input, axis))

    def quantization(self) -> tuple[tuple[float, int, int], tuple[float, int, int]]:
        """Return (scale, zero point, type number) of the input and of the output."""
        first, second = (self._quantization(tensor) for tensor in (self._input, self._output))
        return first, second

    def run(self, data: bytes) -> bytes:
        """Return the output tensor's bytes for the input tensor's.

        Raises:
            RuntimeError: the data does not fit the input tensor, or the library failed.
        """
        self._check(
            self._api.TfLiteTensorCopyFromBuffer(self._input, data, len(data)), "take its input"
        )
        self._check(self._api.TfLiteInterpreterInvoke(self._state["interpreter"]), "run")
        size = len(self._result)
        self._check(
            self._api.TfLiteTensorCopyToBuffer(self._output, self._result, size), "give its output"
        )
        return self._result.raw

    def _create(self) -> int:
        options = self._api.TfLiteInterpreterOptionsCreate()
        # One thread: the models are too small to gain from more, and rooms share the cores.
        self._api.TfLiteInterpreterOptionsSetNumThreads(options, 1)
        interpreter = self._api.TfLiteInterpreterCreate(self._handle, options)
        self._api.TfLiteInterpreterOptionsDelete(options)
        self._check(_OK if interpreter else -1, "be created")
        return int(interpreter)

    def _quantization(self, tensor: int) -> tuple[float, int, int]:
        quantization = self._api.TfLiteTensorQuantizationParams(tensor)
        kind = self._api.TfLiteTensorType(tensor)
        return float(quantization.scale), int(quantization.zero_point), int(kind)

    @staticmethod
    def _check(status: int, what: str) -> None:
        if status != _OK:
            raise RuntimeError(f"a wake model could not {what}: TfLite status {status}")


def _delete(api: ctypes.CDLL, handle: int, state: dict[str, int]) -> None:
    if interpreter := state.pop("interpreter", None):
        api.TfLiteInterpreterDelete(interpreter)
    api.TfLiteModelDelete(handle)
