// Streams on their way up: numbers the frames, and keeps them until the hub has heard them. Pure.
//
// Bounded by audio time (60 s over all streams, the oldest stream goes first) and by a lease: what
// nobody released within half a minute after its end is forgotten.

import { FRAME_SAMPLES, SAMPLE_RATE_HZ, STREAM_SECONDS_MAX } from "../protocol/generated";
import type { AudioFrame } from "../protocol/generated";
import type { PcmFrame } from "./ear";

const KEPT_FRAMES_MAX = Math.floor((STREAM_SECONDS_MAX * SAMPLE_RATE_HZ) / FRAME_SAMPLES);
const KEPT_S = 30;
const ENDED_NAMES_KEPT = 16;

interface Stream {
  readonly name: string;
  readonly frames: AudioFrame[];
  limitFrames: number;
  samples: number;
  endedS: number | null;
  /** Paused: the first frame that was kept back. */
  heldFrom: number | null;
}

/** Frames of a stream, both ends included. */
export interface Span {
  readonly stream: string;
  readonly first: number;
  readonly last: number;
}

export class Uplink {
  #running: Stream | null = null;
  #kept = new Map<string, Stream>();
  #past: string[] = [];
  readonly counts = { streams: 0, frames: 0, frames_resent: 0, streams_forgotten: 0 };

  /** The id of the stream that runs; empty without one. */
  get running(): string {
    return this.#running?.name ?? "";
  }

  get keptFrames(): number {
    return [...this.#kept.values()].reduce((sum, stream) => sum + stream.frames.length, 0);
  }

  /** Tell whether a stream of that id runs or has run lately. */
  knows(name: string): boolean {
    return name === this.running || this.#past.includes(name);
  }

  /** Begin a stream with what was heard before; return its first frames. */
  open(name: string, heard: readonly PcmFrame[]): AudioFrame[] {
    const stream: Stream = {
      name,
      frames: [],
      limitFrames: KEPT_FRAMES_MAX,
      samples: 0,
      endedS: null,
      heldFrom: null,
    };
    this.#running = stream;
    this.#kept.set(name, stream);
    this.counts.streams += 1;
    return heard.map((frame) => this.#next(stream, frame));
  }

  /** Let the running stream last at most this much audio from its start, seconds. */
  limit(seconds: number): void {
    if (this.#running !== null) {
      const frames = Math.floor((seconds * SAMPLE_RATE_HZ) / FRAME_SAMPLES);
      this.#running.limitFrames = Math.min(KEPT_FRAMES_MAX, frames);
    }
  }

  /** Whether the running stream has reached its limit; it should be ended then. */
  get full(): boolean {
    return this.#running !== null && this.#running.frames.length >= this.#running.limitFrames;
  }

  /** Return the running stream's next frame, to be sent; null: there is nothing to send. */
  feed(frame: PcmFrame): AudioFrame | null {
    if (this.#running === null || this.full) {
      return null;
    }
    const sent = this.#next(this.#running, frame);
    return this.#running.heldFrom === null ? sent : null;
  }

  /** Keep back the running stream's frames from here on. */
  pause(): void {
    if (this.#running !== null) {
      this.#running.heldFrom ??= this.#running.frames.length;
    }
  }

  /** Keep back no more; return what is to be sent now, if anything is. */
  resume(): Span | null {
    const stream = this.#running;
    if (stream === null || stream.heldFrom === null) {
      return null;
    }
    const first = stream.heldFrom;
    stream.heldFrom = null;
    return first < stream.frames.length ? { stream: stream.name, first, last: stream.frames.length - 1 } : null;
  }

  /** End the running stream; return its id and last frame, or null if none runs. */
  end(nowS: number, atUs: number): { readonly stream: string; readonly last: AudioFrame } | null {
    const stream = this.#running;
    if (stream === null) {
      return null;
    }
    const last: AudioFrame = {
      sequence: stream.frames.length,
      position: stream.samples,
      at_us: atUs,
      pcm: new Uint8Array(0),
      last: true,
    };
    stream.frames.push(last);
    stream.endedS = nowS;
    this.#running = null;
    if (stream.heldFrom !== null) {
      this.#kept.delete(stream.name); // what nobody asked for is nobody's business
    }
    this.#past = [...this.#past, stream.name].slice(-ENDED_NAMES_KEPT);
    return { stream: stream.name, last };
  }

  /** Return those kept frames of a stream; none if it is forgotten. */
  again(span: Span): readonly AudioFrame[] {
    const kept = this.#kept.get(span.stream)?.frames ?? [];
    const frames = kept.slice(span.first, span.last + 1);
    this.counts.frames_resent += frames.length;
    return frames;
  }

  /** Forget a stream's audio: the hub has heard it. One that still runs is kept. */
  release(name: string): void {
    if (name !== this.running) {
      this.#kept.delete(name);
    }
  }

  /** Forget the streams that ended long ago. */
  expire(nowS: number): void {
    for (const stream of this.#kept.values()) {
      if (stream.endedS !== null && nowS - stream.endedS >= KEPT_S) {
        this.#forget(stream.name);
      }
    }
  }

  #next(stream: Stream, frame: PcmFrame): AudioFrame {
    const pcm = new Uint8Array(frame.pcm.buffer, frame.pcm.byteOffset, frame.pcm.byteLength);
    const sent: AudioFrame = {
      sequence: stream.frames.length,
      position: stream.samples,
      at_us: frame.atUs,
      pcm,
      last: false,
    };
    stream.samples += frame.pcm.length;
    stream.frames.push(sent);
    this.counts.frames += 1;
    for (const oldest of this.#kept.keys()) {
      if (this.keptFrames <= KEPT_FRAMES_MAX + 1 || this.#kept.size === 1) {
        break;
      }
      this.#forget(oldest);
    }
    return sent;
  }

  #forget(name: string): void {
    this.#kept.delete(name);
    this.counts.streams_forgotten += 1;
  }
}
