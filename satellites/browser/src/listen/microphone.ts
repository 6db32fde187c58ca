// The browser's microphone: asked for, opened, closed; says in words what is wrong with it.

import { nowUs } from "../clock";
import captureUrl from "./capture.worklet?worker&url";
import { FRAME_S } from "./ear";
import type { PcmFrame } from "./ear";

/** The microphone cannot be used; the message says why and what to do. */
export class MicrophoneError extends Error {
  override readonly name = "MicrophoneError";
}

const REMEDIES: Readonly<Record<string, string>> = {
  NotAllowedError:
    "This page may not use the microphone. Allow it in the browser (the sign beside the address), " +
    "and in the system's own settings, then press again.",
  NotFoundError: "This device has no microphone. Plug one in, then press again.",
  NotReadableError: "Another program holds the microphone. Close it, then press again.",
  OverconstrainedError: "This microphone cannot be used here. Choose another one in the browser's settings.",
};

/** Return what to tell a person about an error of `getUserMedia`. */
export function microphoneTrouble(error: unknown): string {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  return REMEDIES[name] ?? `The microphone cannot be opened: ${String(error)}`;
}

/** Return why this page cannot have a microphone at all; empty: it can. */
export function contextTrouble(page: { readonly isSecureContext: boolean; readonly origin: string }): string {
  if (page.isSecureContext) {
    return "";
  }
  return (
    `Browsers give the microphone only to encrypted pages, and ${page.origin} is not one. ` +
    "Open the console by https://, or on the hub's own machine by http://localhost."
  );
}

export class Microphone {
  readonly #context: AudioContext;
  readonly #heard: (frame: PcmFrame) => void;
  readonly #changed: () => void;
  #stream: MediaStream | null = null;
  #nodes: readonly AudioNode[] = [];
  #opening: Promise<void> | null = null;
  #loaded: Promise<void> | null = null;

  /**
   * Prepare; `open` asks for it.
   *
   * @param heard Called with each frame.
   * @param changed Called when it was opened, closed or taken away.
   */
  constructor(context: AudioContext, heard: (frame: PcmFrame) => void, changed: () => void) {
    this.#context = context;
    this.#heard = heard;
    this.#changed = changed;
  }

  get isOpen(): boolean {
    return this.#stream !== null;
  }

  /** Tell whether it can be opened without asking the person. */
  async granted(): Promise<boolean> {
    try {
      return (await navigator.permissions.query({ name: "microphone" as PermissionName })).state === "granted";
    } catch {
      return false; // a browser that does not tell
    }
  }

  /**
   * Open it, unless it is open.
   *
   * @throws MicrophoneError it cannot be used.
   */
  async open(): Promise<void> {
    if (this.#stream === null) {
      this.#opening ??= this.#open().finally(() => {
        this.#opening = null;
      });
      await this.#opening;
    }
  }

  /** Close it: the browser's own sign goes out. */
  close(): void {
    const stream = this.#stream;
    if (stream === null) {
      return;
    }
    this.#stream = null;
    for (const node of this.#nodes) {
      node.disconnect();
      if (node instanceof AudioWorkletNode) {
        node.port.postMessage("stop");
      }
    }
    this.#nodes = [];
    stream.getTracks().forEach((track) => track.stop());
    this.#changed();
  }

  async #open(): Promise<void> {
    const trouble = contextTrouble(window);
    if (trouble !== "" || navigator.mediaDevices === undefined) {
      throw new MicrophoneError(trouble || "This browser knows no microphones.");
    }
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        // The reply must not be heard as a command; noise suppression spoils what engines hear.
        audio: { echoCancellation: true, noiseSuppression: false, autoGainControl: true, channelCount: 1 },
      });
    } catch (error) {
      throw new MicrophoneError(microphoneTrouble(error));
    }
    this.#loaded ??= this.#context.audioWorklet.addModule(captureUrl);
    await this.#loaded;
    const source = this.#context.createMediaStreamSource(stream);
    const capture = new AudioWorkletNode(this.#context, "capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    capture.port.onmessage = (message: MessageEvent<Int16Array>) => {
      this.#heard({ pcm: message.data, atUs: Math.round(nowUs() - FRAME_S * 1e6) });
    };
    source.connect(capture);
    stream.getAudioTracks()[0]?.addEventListener("ended", () => this.close());
    this.#nodes = [source, capture];
    this.#stream = stream;
    this.#changed();
  }
}
