// Records for the console's other pages, with the satellite's own microphone.

import { FRAME_S } from "../listen/ear";
import { Framer } from "../listen/framer";
import { Gate } from "../listen/gate";
import { levelDbfs } from "../listen/levels";
import { Microphone } from "../listen/microphone";
import { SAMPLE_RATE_HZ } from "../protocol/generated";
import { joined, wavOf } from "./wav";

const LIMIT_S = 29;
const QUIETEST_DBFS = -60;

/** What is being recorded now. */
export interface Recording {
  /** The file, once somebody stops it, has fallen silent, or has spoken for too long. */
  readonly done: Promise<Uint8Array<ArrayBuffer>>;
  readonly stop: () => void;
}

/**
 * Record what is said, until some silence behind it.
 *
 * @param loudness Told of each frame, 0 to 1.
 * @throws MicrophoneError it cannot be used; the message says why and what to do.
 */
export async function record(loudness: (share: number) => void): Promise<Recording> {
  const context = new AudioContext({ latencyHint: "interactive" });
  const gate = new Gate();
  const frames: Int16Array[] = [];
  let spoke = false;
  let end: (file: Uint8Array<ArrayBuffer>) => void = () => undefined;
  const done = new Promise<Uint8Array<ArrayBuffer>>((resolve) => {
    end = resolve;
  });
  const stop = (): void => {
    microphone.close();
    void context.close();
    end(wavOf(joined(frames)));
  };
  const microphone = new Microphone(
    context,
    ({ pcm }) => {
      frames.push(pcm);
      const level = levelDbfs(pcm);
      loudness(Math.max(0, 1 - level / QUIETEST_DBFS));
      const open = gate.feed(level, FRAME_S);
      if ((spoke && !open) || frames.length * FRAME_S >= LIMIT_S) {
        stop();
      }
      spoke ||= open;
    },
    () => undefined,
  );
  try {
    await microphone.open();
  } catch (error) {
    void context.close();
    throw error;
  }
  return { done, stop };
}

/**
 * Return a recording of any kind that the browser can play as the hub takes it.
 *
 * @throws DOMException the browser cannot decode it.
 */
export async function converted(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  const context = new OfflineAudioContext(1, 1, SAMPLE_RATE_HZ); // decoding resamples to its rate
  const decoded = await context.decodeAudioData(await file.arrayBuffer());
  const mixed = new Float32Array(decoded.length);
  for (let channel = 0; channel < decoded.numberOfChannels; channel += 1) {
    decoded.getChannelData(channel).forEach((sample, n) => {
      mixed[n] = (mixed[n] ?? 0) + sample / decoded.numberOfChannels;
    });
  }
  return wavOf(joined(new Framer(SAMPLE_RATE_HZ).push(mixed)));
}
