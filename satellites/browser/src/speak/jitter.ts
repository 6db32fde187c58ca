// Puts a playback's frames in order and gives them out when it is safe to. Pure.
//
// A hole is filled with silence, once later audio is at hand: at QoS 0 over TCP a frame that was
// overtaken was dropped by the broker, and does not come any more.

import { PLAYBACK_SECONDS_MAX } from "../protocol/generated";
import type { AudioFrame } from "../protocol/generated";

const START_S = 0.06;
const SILENCE_STEP_SAMPLES = 4096;

export class Jitter {
  readonly #startSamples: number;
  readonly #limitSamples: number;
  readonly #waiting = new Map<number, AudioFrame>();
  #next = 0;
  #position = 0;
  #buffered = 0;
  #silence = 0;
  #final: number | null = null;
  #began = false;
  /** Samples that never came, given out as silence. */
  missingSamples = 0;
  /** Frames that came twice, too late, or lay behind the limit of 180 s. */
  rejected = 0;

  constructor(rateHz: number) {
    this.#startSamples = Math.floor(START_S * rateHz);
    this.#limitSamples = Math.floor(PLAYBACK_SECONDS_MAX * rateHz);
  }

  /** Everything up to the last frame was given out. */
  get ended(): boolean {
    return this.#final !== null && this.#next > this.#final && this.#silence === 0;
  }

  /** Whether any frame has come. */
  get fed(): boolean {
    return this.#waiting.size > 0 || this.#next > 0;
  }

  /** Samples given out so far, silence included. */
  get samples(): number {
    return this.#position;
  }

  /** The speaker ran dry: wait for some audio again before going on. */
  restart(): void {
    this.#began = false;
  }

  /** Take in a frame, in any order. */
  put(frame: AudioFrame): void {
    const samples = frame.pcm.length / 2;
    const late = frame.sequence < this.#next || this.#waiting.has(frame.sequence);
    const beyond = frame.position + samples > this.#limitSamples;
    const behindEnd = this.#final !== null && frame.sequence > this.#final;
    if (late || beyond || behindEnd || this.#waiting.size >= this.#limitSamples) {
      this.rejected += 1;
      return;
    }
    this.#waiting.set(frame.sequence, frame);
    this.#buffered += samples;
    if (frame.last) {
      this.#final = frame.sequence;
    }
  }

  /** Return the samples to play next; null when there are none yet, or no more. */
  take(): Int16Array | null {
    if (this.#silence > 0) {
      return this.#fill();
    }
    if (this.#waiting.size === 0) {
      return null;
    }
    const sequence = this.#waiting.has(this.#next) ? this.#next : Math.min(...this.#waiting.keys());
    const frame = this.#waiting.get(sequence);
    if (frame === undefined || !this.#safe(sequence)) {
      return null;
    }
    this.#began = true;
    const hole = Math.max(0, frame.position - this.#position);
    if (hole > 0) {
      this.#silence = hole;
      this.missingSamples += hole;
      return this.#fill();
    }
    this.#waiting.delete(sequence);
    const pcm = samplesOf(frame.pcm);
    this.#next = sequence + 1;
    this.#position += pcm.length;
    this.#buffered -= pcm.length;
    return pcm;
  }

  #safe(sequence: number): boolean {
    const due = this.#began && sequence === this.#next;
    return due || this.#final !== null || this.#buffered >= this.#startSamples;
  }

  #fill(): Int16Array {
    const samples = Math.min(this.#silence, SILENCE_STEP_SAMPLES);
    this.#silence -= samples;
    this.#position += samples;
    return new Int16Array(samples);
  }
}

function samplesOf(bytes: Uint8Array): Int16Array {
  // A copy: a view of 16-bit numbers must begin at an even address. Not `slice`, which copies
  // nothing where the bytes are a `Buffer` of the MQTT client's.
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return new Int16Array(copy.buffer);
}
