// Short tones that tell a person how it went without words, and what ringing sounds like. Pure.

import type { CueName } from "../conversation/machine";
import type { Alarm } from "../protocol/generated";
import { SAMPLE_RATE_HZ } from "../protocol/generated";

const PEAK = 0.2 * 32767;
const RAMP_S = 0.01;

/** A sine of so many hertz and seconds, or a pause at 0 hertz. */
type Tone = readonly [hertz: number, seconds: number];

export const CUES: Readonly<Record<CueName, readonly Tone[]>> = {
  listening: [[660, 0.07], [990, 0.09]],
  heard: [[990, 0.06]],
  failed: [[660, 0.12], [440, 0.2]],
  "not-understood": [[550, 0.1], [0, 0.06], [550, 0.1]],
  notice: [[784, 0.12], [0, 0.05], [1047, 0.25]],
  unreachable: [[330, 0.16], [0, 0.1], [330, 0.16]],
  back: [[330, 0.16], [0, 0.1], [440, 0.16]],
};

const BEEP: readonly Tone[] = [[1047, 0.09], [0, 0.07]];
const RINGS: Readonly<Record<Alarm["kind"], readonly Tone[]>> = {
  timer: [...BEEP, ...BEEP, ...BEEP],
  alarm: [[523, 0.22], [659, 0.22], [784, 0.3], [0, 0.1], [784, 0.3]],
  reminder: [[784, 0.2], [587, 0.3]],
};
/** Between two cycles of ringing, seconds: long enough to be spoken into. */
export const RING_PAUSE_S = 1.6;

/** Return a cue's samples at 16 kHz. */
export function cuePcm(cue: CueName): Int16Array {
  return tonesPcm(CUES[cue]);
}

/** Return one cycle of ringing at 16 kHz, without the pause behind it. */
export function ringPcm(kind: Alarm["kind"]): Int16Array {
  return tonesPcm(RINGS[kind]);
}

function tonesPcm(tones: readonly Tone[]): Int16Array {
  return Int16Array.from(tones.flatMap(sine));
}

function sine([hertz, seconds]: Tone): number[] {
  const count = Math.floor(seconds * SAMPLE_RATE_HZ);
  const ramp = RAMP_S * SAMPLE_RATE_HZ;
  const turn = (2 * Math.PI * hertz) / SAMPLE_RATE_HZ;
  return Array.from({ length: count }, (_, n) =>
    Math.round(PEAK * Math.min(1, n / ramp, (count - n) / ramp) * Math.sin(turn * n)),
  );
}
