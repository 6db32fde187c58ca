// Makes calls out of microphone frames: measures, keeps the pre-roll, asks the gate. Pure.

import { FRAME_SAMPLES, SAMPLE_RATE_HZ } from "../protocol/generated";
import { Gate } from "./gate";
import { levelDbfs, NoiseFloor, SILENCE_DBFS } from "./levels";

export const FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ;
const PREROLL_FRAMES = Math.floor(2 / FRAME_S);
const PRESS_LEAD_FRAMES = Math.floor(0.5 / FRAME_S);
const ANSWER_LEAD_SAMPLES = SAMPLE_RATE_HZ;

/** 512 samples at 16 kHz, and when the first of them was heard: our clock, microseconds. */
export interface PcmFrame {
  readonly pcm: Int16Array;
  readonly atUs: number;
}

/** Somebody may have called. */
export interface Call {
  readonly cause: "button" | "voice";
  readonly atUs: number;
  readonly levelDbfs: number;
  readonly noiseDbfs: number;
  /** What was heard before, oldest first; the stream begins with it. */
  readonly heard: readonly PcmFrame[];
  /** Samples of it up to the moment of the call; 0 for a button. */
  readonly end: number;
}

/** Hears every frame, and says when somebody called. */
export class Ear {
  #noise = new NoiseFloor();
  #gate: Gate | null = null;
  #ring: PcmFrame[] = [];
  #position = 0;
  #quietFrom = -ANSWER_LEAD_SAMPLES - 1;
  levelDbfs = SILENCE_DBFS;

  /** Whether a voice shall call, too, and the hub look for the wake phrase. */
  set open(all: boolean) {
    this.#gate = all ? (this.#gate ?? new Gate()) : null;
  }

  /** Whether the gate is open; false without one. */
  get voice(): boolean {
    return this.#gate?.isOpen ?? false;
  }

  get noiseDbfs(): number {
    return this.#noise.dbfs;
  }

  /** Take the next frame; return the call that it completes, if one is wanted now. */
  take(frame: PcmFrame, attentive: boolean): Call | null {
    this.levelDbfs = levelDbfs(frame.pcm);
    this.#noise.take(this.levelDbfs, FRAME_S);
    this.#ring.push(frame);
    if (this.#ring.length > PREROLL_FRAMES) {
      this.#ring.shift();
    }
    this.#position += FRAME_SAMPLES;
    const opened = this.#gate?.feed(this.levelDbfs, FRAME_S) ?? false;
    return attentive && opened ? this.#call("voice", this.#ring, frame.atUs + FRAME_S * 1e6) : null;
  }

  /** The microphone was closed: what was heard before is another conversation's. */
  closed(): void {
    this.#ring = [];
    this.levelDbfs = SILENCE_DBFS;
    this.#quietFrom = -ANSWER_LEAD_SAMPLES - 1;
  }

  /** Our own voice has just ended: what is heard from here on is the room's. */
  fellQuiet(): void {
    this.#quietFrom = this.#position;
  }

  /** Return what was heard since our own voice ended, if that was just now. */
  sinceQuiet(): readonly PcmFrame[] {
    const samples = this.#position - this.#quietFrom;
    return samples > ANSWER_LEAD_SAMPLES || samples <= 0 ? [] : this.#ring.slice(-Math.ceil(samples / FRAME_SAMPLES));
  }

  /** Return the call of a button that was pressed now: people begin to speak as they press it. */
  pressed(atUs: number): Call {
    return { ...this.#call("button", this.#ring.slice(-PRESS_LEAD_FRAMES), atUs), end: 0 };
  }

  #call(cause: "button" | "voice", heard: readonly PcmFrame[], atUs: number): Call {
    return {
      cause,
      atUs: Math.round(atUs),
      levelDbfs: this.levelDbfs,
      noiseDbfs: this.noiseDbfs,
      heard: [...heard],
      end: heard.length * FRAME_SAMPLES,
    };
  }
}
