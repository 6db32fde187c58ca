// Floating-point samples of any rate to frames of 512 16-bit samples at 16 kHz. Pure.

import { FRAME_SAMPLES, SAMPLE_RATE_HZ } from "../protocol/generated";
import { Resampler } from "./resampler";

export class Framer {
  readonly #resampler: Resampler | null;
  #frame = new Int16Array(FRAME_SAMPLES);
  #filled = 0;

  constructor(rateHz: number) {
    this.#resampler = rateHz === SAMPLE_RATE_HZ ? null : new Resampler(rateHz, SAMPLE_RATE_HZ);
  }

  /** Take any number of samples in [-1, 1]; return the frames that they complete. */
  push(samples: Float32Array): Int16Array[] {
    const frames: Int16Array[] = [];
    for (const sample of this.#resampler?.push(samples) ?? samples) {
      this.#frame[this.#filled] = Math.round(Math.max(-1, Math.min(32767 / 32768, sample)) * 32768);
      this.#filled += 1;
      if (this.#filled === FRAME_SAMPLES) {
        frames.push(this.#frame);
        this.#frame = new Int16Array(FRAME_SAMPLES);
        this.#filled = 0;
      }
    }
    return frames;
  }
}
