"""A Wyoming service, on the protocol's own package; `wyoming_service.Service` starts one.

It hears what it was told to, and speaks a tone as long as the text.
"""

import argparse
import asyncio
import json
import sys
from array import array
from collections.abc import Mapping
from math import pi, sin
from typing import Any

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Info, TtsProgram, TtsVoice
from wyoming.server import AsyncEventHandler, AsyncTcpServer, AsyncUnixServer
from wyoming.tts import Synthesize

RATE_HZ = 16_000
_BY = Attribution(name="tests", url="https://example.org")


class Handler(AsyncEventHandler):
    """One connection."""

    def __init__(self, wanted: Mapping[str, Any], *streams: Any) -> None:
        super().__init__(*streams)
        self.wanted = wanted
        self.request: dict[str, Any] = {}
        self.audio = bytearray()
        self.chunks = 0

    async def handle_event(self, event: Event) -> bool:
        if event.type == "describe":
            await self.write_event(info(self.wanted).event())
        elif Transcribe.is_type(event.type):
            self.request = event.data
        elif AudioChunk.is_type(event.type):
            await self._take(AudioChunk.from_event(event))
        elif AudioStop.is_type(event.type):
            return await self._answer()
        elif Synthesize.is_type(event.type):
            await self._speak(Synthesize.from_event(event))
        return True

    async def _take(self, chunk: AudioChunk) -> None:
        assert (chunk.rate, chunk.width, chunk.channels) == (16_000, 2, 1)
        self.audio += chunk.audio
        self.chunks += 1
        words = self.wanted.get("text", "").split()
        if self.wanted.get("streaming") and self.chunks <= len(words):
            if self.chunks == 1:
                await self.write_event(TranscriptStart().event())
            word = f" {words[self.chunks - 1]}" if self.chunks > 1 else words[0]
            await self.write_event(TranscriptChunk(text=word).event())

    async def _answer(self) -> bool:
        found = {"request": self.request, "bytes": len(self.audio), "chunks": self.chunks}
        sys.stdout.write(f"{json.dumps(found)}\n")
        sys.stdout.flush()
        ends = self.wanted.get("ends", "")
        if ends == "hangs up":
            return False
        if ends == "says":
            await self.write_event(Error(text="no memory on the GPU", code="oom").event())
        elif ends != "never":
            await self.write_event(Transcript(text=self.wanted.get("text", "")).event())
            if self.wanted.get("streaming"):
                await self.write_event(TranscriptStop().event())
        self.audio.clear()
        self.chunks = 0
        return True

    async def _speak(self, job: Synthesize) -> None:
        if self.wanted.get("ends") == "never":
            return
        form = {"rate": self.wanted.get("rate", RATE_HZ), "width": 2, "channels": 1}
        form.update(self.wanted.get("form", {}))
        await self.write_event(AudioStart(**form).event())
        for _ in job.text:
            await self.write_event(AudioChunk(audio=tone(form["rate"]), **form).event())
        await self.write_event(AudioStop().event())


def tone(rate_hz: int) -> bytes:
    """Return 70 ms of 440 Hz."""
    return array(
        "h", [int(8000 * sin(2 * pi * 440 * at / rate_hz)) for at in range(rate_hz * 7 // 100)]
    ).tobytes()


def info(wanted: Mapping[str, Any]) -> Info:
    """Return what the service says of itself."""
    common = {"attribution": _BY, "installed": True, "description": None, "version": "1"}
    languages = wanted.get("languages", ["en"])
    model = AsrModel(name="tiny", languages=languages, **common)
    voices = [TtsVoice(name=name, languages=languages, **common) for name in ("ann", "bob")]
    far = TtsVoice(name="far", languages=["fr"], **{**common, "installed": False})
    return Info(
        asr=[
            AsrProgram(
                name="told",
                models=[model],
                supports_transcript_streaming=bool(wanted.get("streaming")),
                **common,
            )
        ],
        tts=[TtsProgram(name="tone", voices=[*voices, far], **common)],
    )


async def main(wanted: Mapping[str, Any]) -> None:
    """Serve until killed; the first line says where."""
    path = wanted.get("socket")
    server = AsyncUnixServer(path) if path else AsyncTcpServer("127.0.0.1", 0)
    await server.start(lambda *streams: Handler(wanted, *streams))
    assert server._server is not None
    name = server._server.sockets[0].getsockname()
    uri = f"unix://{path}" if path else f"tcp://127.0.0.1:{name[1]}"
    sys.stdout.write(f"{json.dumps({'uri': uri})}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("wanted", type=json.loads)
    asyncio.run(main(parser.parse_args().wanted))
