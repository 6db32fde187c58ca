"""sherpa-onnx's own process: it ends itself when a model's file is not as it should be."""

from importlib.metadata import version

import msgspec

from antiphon_engines.errors import EngineError, EngineFailedError, EngineMissingError, ModelError
from antiphon_engines.process.child import Pipe, refusal, serve
from antiphon_engines.process.frames import Open
from antiphon_engines.sherpa.options import SherpaOptions
from antiphon_engines.stt.frames import Opened, read_request
from antiphon_protocol.audio import SAMPLE_RATE_HZ


def work(pipe: Pipe) -> None:
    """Load what Open asks for, then answer each request.

    Raises:
        EngineFailedError: the process is to end.
    """
    request = read_request(pipe.read)
    if not isinstance(request, Open):
        raise EngineFailedError("the first request must be Open")
    try:
        try:
            from antiphon_engines.sherpa.library import Library  # noqa: PLC0415 - optional
        except ImportError as error:
            raise EngineMissingError(f"{error}; pip install 'antiphon-hub[sherpa]'") from None
        library = Library(msgspec.convert(request.options, SherpaOptions))
    except EngineError as error:
        pipe.send(refusal(error))
        return

    pipe.send(
        Opened(
            version("sherpa-onnx"),
            SAMPLE_RATE_HZ,
            kind=library.model.kind,
            streaming=library.streaming,
        )
    )
    while True:
        try:
            pipe.send(library.answer(read_request(pipe.read)))
        except ModelError as error:
            pipe.send(refusal(error))


if __name__ == "__main__":
    serve(work)
