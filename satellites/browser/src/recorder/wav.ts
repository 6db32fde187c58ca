// WAV files as the hub takes them: 16 kHz mono signed 16-bit PCM. Pure.

import { SAMPLE_RATE_HZ } from "../protocol/generated";

const HEADER_BYTES = 44;
const SAMPLE_BYTES = 2;
const PCM = 1;

/** Return a whole file around samples at 16 kHz. */
export function wavOf(pcm: Int16Array): Uint8Array<ArrayBuffer> {
  const bytes = pcm.length * SAMPLE_BYTES;
  const file = new DataView(new ArrayBuffer(HEADER_BYTES + bytes));
  const text = (at: number, word: string): void => [...word].forEach((sign, n) => file.setUint8(at + n, sign.charCodeAt(0)));
  text(0, "RIFF");
  file.setUint32(4, HEADER_BYTES - 8 + bytes, true);
  text(8, "WAVEfmt ");
  file.setUint32(16, 16, true);
  file.setUint16(20, PCM, true);
  file.setUint16(22, 1, true);
  file.setUint32(24, SAMPLE_RATE_HZ, true);
  file.setUint32(28, SAMPLE_RATE_HZ * SAMPLE_BYTES, true);
  file.setUint16(32, SAMPLE_BYTES, true);
  file.setUint16(34, 8 * SAMPLE_BYTES, true);
  text(36, "data");
  file.setUint32(40, bytes, true);
  pcm.forEach((sample, n) => file.setInt16(HEADER_BYTES + n * SAMPLE_BYTES, sample, true));
  return new Uint8Array(file.buffer);
}

/** Return frames one behind the other. */
export function joined(frames: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    all.set(frame, at);
    at += frame.length;
  }
  return all;
}
