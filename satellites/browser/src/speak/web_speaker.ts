// The speaker of a browser: buffers scheduled on the audio clock, each right behind the one before.
//
// Samples are brought to the device's rate by our own filter first: browsers resample each buffer by
// itself, and its edges click.

import { Resampler } from "../listen/resampler";
import type { Output, Speaker } from "./speaker";
import { SpeakerError } from "./speaker";

/** From the writing of a first sample to its sound, and behind a gap: nothing is late by less. */
const AHEAD_S = 0.03;
const REBUFFER_S = 0.06;

export class WebSpeaker implements Speaker {
  readonly #context: AudioContext;
  readonly #out: AudioNode;

  /** Sound through `out`, a node of the context that leads to its destination. */
  constructor(context: AudioContext, out: AudioNode) {
    this.#context = context;
    this.#out = out;
  }

  get nowS(): number {
    return this.#context.currentTime - this.latencyS;
  }

  /** From the audio clock to the ear, seconds, as far as the browser knows. */
  get latencyS(): number {
    return this.#context.outputLatency || this.#context.baseLatency || 0;
  }

  open(rateHz: number, gainDb: number): Output {
    if (this.#context.state !== "running") {
      throw new SpeakerError(`the browser lets this page make no sound: touch it once (${this.#context.state})`);
    }
    return new WebOutput(this.#context, this.#out, rateHz, gainDb, this.latencyS);
  }
}

class WebOutput implements Output {
  firstS: number | null = null;
  underruns = 0;
  readonly #context: AudioContext;
  readonly #gain: GainNode;
  readonly #latencyS: number;
  readonly #resampler: Resampler | null;
  readonly #sources = new Set<AudioBufferSourceNode>();
  /** Where the next sample goes, in samples of the device since its clock began. */
  #next: number | null = null;
  #emptied: (() => void) | null = null;

  constructor(context: AudioContext, out: AudioNode, rateHz: number, gainDb: number, latencyS: number) {
    this.#context = context;
    this.#latencyS = latencyS;
    this.#gain = new GainNode(context, { gain: ratio(gainDb) });
    this.#gain.connect(out);
    this.#resampler = rateHz === context.sampleRate ? null : new Resampler(rateHz, context.sampleRate);
  }

  get endS(): number {
    const next = this.#next === null ? this.#context.currentTime + AHEAD_S : this.#next / this.#context.sampleRate;
    return next - this.#latencyS;
  }

  write(pcm: Int16Array, atS?: number): void {
    const samples = Float32Array.from(pcm, (sample) => sample / 32768);
    this.#schedule(this.#resampler?.push(samples) ?? samples, atS);
  }

  setGain(db: number): void {
    this.#gain.gain.setTargetAtTime(ratio(db), this.#context.currentTime, 0.02);
  }

  async drain(): Promise<void> {
    if (this.#resampler !== null) {
      this.#schedule(this.#resampler.flush());
    }
    if (this.#sources.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    await new Promise((resolve) => setTimeout(resolve, this.#latencyS * 1000));
    this.#gain.disconnect();
  }

  stop(): void {
    this.#sources.forEach((source) => source.stop());
    this.#gain.disconnect();
  }

  #schedule(samples: Float32Array, atS?: number): void {
    if (samples.length === 0) {
      return;
    }
    const rate = this.#context.sampleRate;
    const soonest = Math.ceil((this.#context.currentTime + AHEAD_S) * rate);
    if (this.#next === null) {
      const wanted = atS === undefined ? soonest : Math.round((atS + this.#latencyS) * rate);
      this.#next = Math.max(soonest - Math.ceil(AHEAD_S * rate), wanted);
      this.firstS = this.#next / rate - this.#latencyS;
    } else if (this.#next < this.#context.currentTime * rate) {
      this.underruns += 1;
      this.#next = Math.ceil((this.#context.currentTime + REBUFFER_S) * rate);
    }
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate });
    buffer.copyToChannel(samples as Float32Array<ArrayBuffer>, 0);
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#gain);
    source.onended = () => this.#ended(source);
    this.#sources.add(source);
    source.start(this.#next / rate);
    this.#next += samples.length;
  }

  #ended(source: AudioBufferSourceNode): void {
    this.#sources.delete(source);
    if (this.#sources.size === 0) {
      this.#emptied?.();
    }
  }
}

function ratio(db: number): number {
  return 10 ** (db / 20);
}
