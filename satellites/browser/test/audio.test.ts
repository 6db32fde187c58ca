import { describe, expect, test } from "vitest";

import { Ear, FRAME_S } from "../src/listen/ear";
import type { PcmFrame } from "../src/listen/ear";
import { Framer } from "../src/listen/framer";
import { levelDbfs, NoiseFloor } from "../src/listen/levels";
import { Resampler } from "../src/listen/resampler";
import { cuePcm, CUES, ringPcm } from "../src/speak/cues";
import type { CueName } from "../src/conversation/machine";
import { joined, wavOf } from "../src/recorder/wav";

function sine(hertz: number, rateHz: number, seconds: number): Float32Array {
  return Float32Array.from({ length: Math.round(seconds * rateHz) }, (_, n) => Math.sin((2 * Math.PI * hertz * n) / rateHz));
}

/** Return the level of the middle part, where the filter has settled, dB relative to a full sine. */
function settledDb(samples: Float32Array): number {
  const middle = samples.slice(samples.length / 4, (3 * samples.length) / 4);
  const power = middle.reduce((sum, one) => sum + one * one, 0) / middle.length;
  return 10 * Math.log10(2 * power + 1e-20);
}

function resampled(samples: Float32Array, from: number, to: number, piece = 128): Float32Array {
  const resampler = new Resampler(from, to);
  const out: number[] = [];
  for (let begin = 0; begin < samples.length; begin += piece) {
    out.push(...resampler.push(samples.subarray(begin, begin + piece)));
  }
  return Float32Array.from([...out, ...resampler.flush()]);
}

const RATES = [8000, 22050, 44100, 48000, 96000];

describe("resampler", () => {
  test.each(RATES)("from %i Hz: what a voice has passes", (rate) => {
    for (const hertz of [100, 1000, 3000, Math.min(6500, 0.4 * rate)]) {
      expect(settledDb(resampled(sine(hertz, rate, 0.5), rate, 16000))).toBeCloseTo(0, 1);
    }
  });

  test.each([22050, 44100, 48000, 96000])("from %i Hz: nothing folds back", (rate) => {
    for (const hertz of [8001, 8500, 10000, 0.49 * rate]) {
      expect(settledDb(resampled(sine(hertz, rate, 0.5), rate, 16000))).toBeLessThan(-75);
    }
  });

  test.each([44100, 48000])("to %i Hz: no image of the voice", (rate) => {
    const up = resampled(sine(6000, 16000, 0.5), 16000, rate);
    const tone = sine(6000, rate, 0.5);
    const middle = up.slice(up.length / 4, (3 * up.length) / 4);
    const rest = middle.map((one, index) => one - (tone[Math.floor(up.length / 4) + index] ?? 0));
    expect(settledDb(rest)).toBeLessThan(-60);
  });

  test.each([[48000, 16000], [44100, 16000], [16000, 48000], [16000, 44100]])(
    "%i to %i: as long as before, and nothing moves in time",
    (from, to) => {
      const out = resampled(sine(440, from, 0.3), from, to);
      expect(Math.abs(out.length - 0.3 * to)).toBeLessThanOrEqual(1);
      const wanted = sine(440, to, 0.3);
      const at = Math.round(0.15 * to);
      expect(out[at]).toBeCloseTo(wanted[at] ?? 9, 3);
    },
  );

  test("pieces of any size give the same", () => {
    const noise = Float32Array.from({ length: 5000 }, (_, n) => Math.sin(n * n * 0.37));
    const whole = resampled(noise, 44100, 16000, 5000);
    for (const piece of [1, 7, 128, 441, 1000]) {
      expect(resampled(noise, 44100, 16000, piece)).toEqual(whole);
    }
  });
});

describe("framer", () => {
  test.each([16000, 44100, 48000])("from %i Hz: frames of 512 samples, 31.25 a second", (rate) => {
    const framer = new Framer(rate);
    const frames = [];
    for (let n = 0; n < rate; n += 128) {
      frames.push(...framer.push(new Float32Array(128).fill(0.5)));
    }
    expect(frames.length).toBe(31);
    expect(new Set(frames.map((frame) => frame.length))).toEqual(new Set([512]));
    expect(frames[10]?.[100]).toBe(16384);
  });

  test("what is too loud is clipped, not wrapped", () => {
    const [frame] = new Framer(16000).push(new Float32Array(512).fill(1.5));
    expect(frame?.[0]).toBe(32767);
    const [low] = new Framer(16000).push(new Float32Array(512).fill(-1.5));
    expect(low?.[0]).toBe(-32768);
  });
});

describe("levels", () => {
  test("full scale, silence, and between", () => {
    expect(levelDbfs(new Int16Array(512))).toBe(-200);
    expect(levelDbfs(new Int16Array(512).fill(-32768))).toBe(0);
    expect(levelDbfs(new Int16Array(512).fill(3277))).toBeCloseTo(-20, 1);
  });

  test("the floor falls fast and rises slowly", () => {
    const floor = new NoiseFloor();
    floor.take(-30, 1);
    floor.take(-60, 1);
    expect(floor.dbfs).toBe(-60);
    floor.take(-20, 1);
    expect(floor.dbfs).toBe(-58);
  });
});

describe("ear", () => {
  const frame = (value: number, number: number): PcmFrame => ({
    pcm: new Int16Array(512).fill(value),
    atUs: number * 32000,
  });

  test("a press takes half a second before it along", () => {
    const ear = new Ear();
    for (let n = 0; n < 100; n += 1) {
      expect(ear.take(frame(10, n), true)).toBeNull();
    }
    const call = ear.pressed(3_200_000);
    expect(call.heard).toHaveLength(15);
    expect(call.heard.at(-1)?.atUs).toBe(99 * 32000);
    expect(call.end).toBe(0);
  });

  test("a closed microphone leaves nothing behind", () => {
    const ear = new Ear();
    ear.take(frame(1000, 0), true);
    ear.closed();
    expect(ear.pressed(0).heard).toHaveLength(0);
  });

  test("a voice calls, with two seconds before it, and only when attentive", () => {
    const ear = new Ear();
    ear.open = true;
    for (let n = 0; n < 200; n += 1) {
      ear.take(frame(n % 2 === 0 ? 10 : -10, n), true);
    }
    const loud = [0, 1, 2, 3, 4].map((n) => frame(5000, 200 + n));
    expect(loud.map((one) => ear.take(one, false)).every((call) => call === null)).toBe(true);
    const call = ear.take(frame(5000, 205), true);
    expect(call?.cause).toBe("voice");
    expect(call?.heard).toHaveLength(Math.floor(2 / FRAME_S));
    expect(call?.end).toBe(62 * 512);
    expect(ear.voice).toBe(true);
    for (let n = 0; n < 60; n += 1) {
      ear.take(frame(10, 206 + n), false);
    }
    expect(ear.voice).toBe(false);
  });

  test("what is heard behind our own voice belongs to the answer, for a second", () => {
    const ear = new Ear();
    expect(ear.sinceQuiet()).toEqual([]);
    ear.take(frame(1, 0), false);
    ear.fellQuiet();
    ear.take(frame(2, 1), false);
    ear.take(frame(3, 2), false);
    expect(ear.sinceQuiet().map((one) => one.pcm[0])).toEqual([2, 3]);
    for (let n = 0; n < 40; n += 1) {
      ear.take(frame(4, n), false);
    }
    expect(ear.sinceQuiet()).toEqual([]);
  });
});

test.each(Object.keys(CUES) as CueName[])("cue %s is short, soft at its edges and not too loud", (name) => {
  const pcm = cuePcm(name);
  expect(pcm.length).toBeGreaterThan(500);
  expect(pcm.length).toBeLessThan(8000);
  expect(Math.max(...pcm)).toBeLessThan(0.21 * 32768);
  expect(Math.abs(pcm[0] ?? 9)).toBeLessThan(100);
  expect(Math.abs(pcm.at(-1) ?? 9)).toBeLessThan(400);
});

test.each(["timer", "alarm", "reminder"] as const)("a %s rings for less than two seconds a cycle", (kind) => {
  expect(ringPcm(kind).length).toBeLessThan(32000);
});

describe("WAV files", () => {
  test("hold the frames one behind the other, behind a header that tells their length", () => {
    const file = new DataView(wavOf(joined([Int16Array.of(1, -2), Int16Array.of(32767)])).buffer);
    const text = (at: number, length: number): string => String.fromCharCode(...new Uint8Array(file.buffer, at, length));
    expect([text(0, 4), text(8, 8), text(36, 4)]).toEqual(["RIFF", "WAVEfmt ", "data"]);
    expect([file.byteLength, file.getUint32(4, true), file.getUint32(40, true)]).toEqual([50, 42, 6]);
    expect([file.getUint16(20, true), file.getUint16(22, true), file.getUint32(24, true)]).toEqual([1, 1, 16000]);
    expect([44, 46, 48].map((at) => file.getInt16(at, true))).toEqual([1, -2, 32767]);
  });
});
