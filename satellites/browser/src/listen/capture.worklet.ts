// On the audio thread: the microphone's samples become frames of the protocol, nothing else.

import { Framer } from "./framer";

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

class Capture extends AudioWorkletProcessor {
  readonly #framer = new Framer(sampleRate);
  #running = true;

  constructor() {
    super();
    this.port.onmessage = () => {
      this.#running = false;
    };
  }

  /** Called with 128 samples per channel; the node mixes down to one. */
  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const samples = inputs[0]?.[0];
    if (samples !== undefined) {
      for (const frame of this.#framer.push(samples)) {
        this.port.postMessage(frame, [frame.buffer]);
      }
    }
    return this.#running;
  }
}

registerProcessor("capture", Capture);
