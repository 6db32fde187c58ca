// Sends the uplink's streams to the house, once and again.

import { nowS, nowUs } from "../clock";
import type { AudioFrame, Listen, ListenEnded, Resend, WakeHeard } from "../protocol/generated";
import { newId } from "../protocol/topic";
import type { Call, PcmFrame } from "./ear";
import { Uplink } from "./uplink";

/** What the streams need of the house. */
export interface StreamHouse {
  readonly hubOffsetUs: number | null;
  call(heard: Omit<WakeHeard, "type" | "satellite">): void;
  stream(stream: string, frame: AudioFrame): void;
  tell(fact: ListenEnded): void;
}

export class Streams {
  readonly #house: StreamHouse;
  readonly #uplink = new Uplink();
  #called: Omit<WakeHeard, "type" | "satellite"> | null = null;
  #ended: ListenEnded | null = null;

  constructor(house: StreamHouse) {
    this.#house = house;
  }

  get counts(): Readonly<Record<string, number>> {
    return this.#uplink.counts;
  }

  /** Whether a stream runs. */
  get running(): boolean {
    return this.#uplink.running !== "";
  }

  /** Tell whether a stream of that id runs or has run lately. */
  knows(stream: string): boolean {
    return this.#uplink.knows(stream);
  }

  /** Call the hub, and begin a stream with what was heard before; return its id. */
  open(call: Call): string {
    const stream = newId("stream");
    const offsetUs = this.#house.hubOffsetUs;
    const frames = this.#uplink.open(stream, call.heard);
    this.#called = {
      stream,
      cause: call.cause,
      heard_at_us: call.atUs,
      heard_on_hub_us: offsetUs === null ? 0 : Math.max(0, call.atUs + offsetUs),
      phrase: "",
      engine: "",
      confidence: 1,
      level_dbfs: Math.min(0, call.levelDbfs),
      noise_dbfs: Math.min(0, call.noiseDbfs),
      begin: 0,
      end: call.end,
    };
    this.#house.call(this.#called);
    frames.forEach((frame) => this.#house.stream(stream, frame));
    return stream;
  }

  /** Say again what a hub that was away has missed: the call, and the stream's end. */
  callAgain(stream: string): void {
    if (this.#called?.stream === stream) {
      this.#house.call(this.#called);
    }
    if (this.#ended?.stream === stream) {
      this.#house.tell(this.#ended);
    }
  }

  /** Begin the stream that the hub asked for, with what was heard since our own voice. */
  openAsked(asked: Listen, heard: readonly PcmFrame[]): void {
    this.#uplink.open(asked.stream, heard).forEach((frame) => this.#house.stream(asked.stream, frame));
    this.#uplink.limit(asked.limit_s);
  }

  /** Let the running stream last at most this much audio, seconds. */
  limit(seconds: number): void {
    this.#uplink.limit(seconds);
  }

  /** Keep the running stream's audio here, instead of sending it. */
  pause(): void {
    this.#uplink.pause();
  }

  /** Send what was kept of the running stream, and go on sending. */
  resume(): void {
    const held = this.#uplink.resume();
    if (held !== null) {
      this.resend(held);
    }
  }

  /** Send a microphone frame, if a stream runs; tell whether the stream is full now. */
  feed(frame: PcmFrame): boolean {
    const sent = this.#uplink.feed(frame);
    if (sent !== null) {
      this.#house.stream(this.#uplink.running, sent);
    }
    this.#uplink.expire(nowS());
    return this.#uplink.full;
  }

  /** End the running stream and say so; tell whether one ran. */
  end(reason: ListenEnded["reason"]): boolean {
    const ended = this.#uplink.end(nowS(), nowUs());
    if (ended === null) {
      return false;
    }
    this.#ended = { type: "listen-ended", stream: ended.stream, frames: ended.last.sequence + 1, reason };
    this.#house.stream(ended.stream, ended.last);
    this.#house.tell(this.#ended);
    return true;
  }

  /** Send frames again. */
  resend(asked: Omit<Resend, "type">): void {
    this.#uplink.again(asked).forEach((frame) => this.#house.stream(asked.stream, frame));
  }

  /** Forget a stream's audio. */
  release(stream: string): void {
    this.#uplink.release(stream);
  }
}
