"""A native library's own process; the only module that loads one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from antiphon_engines.deepspeech.native.library import Library, Model
from antiphon_engines.deepspeech.native.options import NativeOptions
from antiphon_engines.errors import EngineError, EngineFailedError, ModelError
from antiphon_engines.process.child import Pipe, refusal, serve
from antiphon_engines.process.frames import Open
from antiphon_engines.stt.frames import (
    Answer,
    Begin,
    Done,
    Drop,
    Feed,
    Finish,
    Heard,
    Opened,
    Read,
    Request,
    Text,
    read_request,
)

_STREAMS_MAX: Final = 64


def work(pipe: Pipe) -> None:
    """Load what Open asks for, then answer each request.

    Raises:
        EngineFailedError: the library failed; the process is to end.
    """
    request = read_request(pipe.read)
    if not isinstance(request, Open):
        raise EngineFailedError("the first request must be Open")
    try:
        library, model = _load(request.options)
    except EngineError as error:
        pipe.send(refusal(error))
        return
    pipe.send(Opened(library.version, model.rate_hz))
    while True:
        request = read_request(pipe.read)
        if isinstance(request, Begin) and model.streams >= _STREAMS_MAX:
            pipe.send(refusal(ModelError(f"{_STREAMS_MAX} streams are open already")))
            continue
        try:
            pipe.send(_answer(model, request))
        except ModelError as error:
            pipe.send(refusal(error))


def _answer(model: Model, request: Request) -> Answer:
    match request:
        case Begin(stream=stream):
            model.begin(stream)
        case Feed(stream=stream, pcm=pcm):
            model.feed(stream, pcm)
        case Read(stream=stream):
            return Text(model.read(stream))
        case Finish(stream=stream, alternatives=alternatives):
            return Heard(model.finish(stream, alternatives))
        case Drop(stream=stream):
            model.drop(stream)
        case Open():
            raise EngineFailedError("Open came twice")
    return Done()


def _load(options: Mapping[str, Any]) -> tuple[Library, Model]:
    wanted = msgspec.convert(options, NativeOptions)
    library = Library(wanted.prefix, Path(wanted.library))
    model = Model(library, Path(wanted.model))
    if wanted.beam_width is not None:
        model.set_beam_width(wanted.beam_width)
    if wanted.scorer:
        model.set_scorer(Path(wanted.scorer), wanted.scorer_weights)
    for word, boost in wanted.hot_words.items():
        model.add_hot_word(word, boost)
    return library, model


if __name__ == "__main__":
    serve(work)
