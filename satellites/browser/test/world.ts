// A satellite without a browser: what it says is collected, and time is the test's.

import { vi } from "vitest";

import { Ringer } from "../src/alarms/ringer";
import { Conductor } from "../src/conversation/conductor";
import type { CueName } from "../src/conversation/machine";
import { LinkDownError } from "../src/link/link";
import { Ear } from "../src/listen/ear";
import { Streams } from "../src/listen/streams";
import type { AudioFrame, Listen, Play } from "../src/protocol/generated";
import type { Output, Speaker } from "../src/speak/speaker";
import { Player } from "../src/speak/player";

/** The speaker's clock is the fake timers'; each output takes as long as its samples. */
export class FakeSpeaker implements Speaker {
  readonly outputs: FakeOutput[] = [];
  broken = false;

  get nowS(): number {
    return performance.now() / 1000;
  }

  open(rateHz: number, gainDb: number): Output {
    if (this.broken) {
      throw new Error("the speaker is gone");
    }
    const output = new FakeOutput(rateHz, gainDb);
    this.outputs.push(output);
    return output;
  }
}

export class FakeOutput implements Output {
  firstS: number | null = null;
  underruns = 0;
  samples = 0;
  stopped = false;
  #endS = 0;
  #wake: (() => void) | null = null;

  constructor(
    readonly rateHz: number,
    public gainDb: number,
  ) {}

  get endS(): number {
    return this.firstS === null ? performance.now() / 1000 : this.#endS;
  }

  write(pcm: Int16Array, atS?: number): void {
    const nowS = performance.now() / 1000;
    if (this.firstS === null) {
      this.firstS = this.#endS = atS ?? nowS;
    } else if (this.#endS < nowS) {
      this.underruns += 1;
      this.#endS = nowS;
    }
    this.#endS += pcm.length / this.rateHz;
    this.samples += pcm.length;
  }

  setGain(db: number): void {
    this.gainDb = db;
  }

  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, Math.max(0, this.endS * 1000 - performance.now()));
    });
  }

  stop(): void {
    this.stopped = true;
    this.#wake?.();
  }
}

export interface Said {
  readonly type: string;
  readonly [field: string]: unknown;
}

export class World {
  readonly said: Said[] = [];
  readonly sent: { readonly stream: string; readonly frame: AudioFrame }[] = [];
  readonly following = new Map<string, (frame: AudioFrame) => void>();
  readonly speaker = new FakeSpeaker();
  readonly rings: (string | null)[] = [];
  microphoneWanted = 0;
  hubOffsetUs: number | null = null;
  down = false;
  readonly ear = new Ear();
  readonly player: Player;
  readonly conductor: Conductor;
  #frames = 0;

  constructor() {
    const offset = (): number | null => this.hubOffsetUs;
    const house = {
      get hubOffsetUs(): number | null {
        return offset();
      },
      tell: (fact: object) => this.said.push(fact as Said),
      call: (heard: object) => this.said.push({ type: "wake-heard", ...heard }),
      stream: (stream: string, frame: AudioFrame) => this.sent.push({ stream, frame }),
      askTimeSoon: () => undefined,
      follow: async (playback: string, take: (frame: AudioFrame) => void) => {
        if (this.down) {
          throw new LinkDownError("down");
        }
        this.following.set(playback, take);
        return () => this.following.delete(playback);
      },
    };
    this.player = new Player(house, this.speaker, (changed) => this.conductor.playbackChanged(changed));
    const ringer = new Ringer({
      tell: (fact) => this.said.push(fact as unknown as Said),
      sound: (pcm, signal) => this.player.sound(pcm, signal),
      rings: (alarm) => this.rings.push(alarm?.alarm ?? null),
    });
    this.ringer = ringer;
    this.conductor = new Conductor(
      { ear: this.ear, streams: new Streams(house), player: this.player, ringer },
      {
        changed: () => undefined,
        microphoneWanted: () => {
          this.microphoneWanted += 1;
        },
        identify: () => undefined,
        cues: new Set<CueName>(["failed", "unreachable", "back"]),
      },
    );
  }

  readonly ringer: Ringer;

  /** Let time pass, seconds; what is waiting then goes on. */
  async pass(seconds: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(seconds * 1000);
  }

  /** Let the microphone hear so many frames. */
  hear(frames: number, value = 100): void {
    for (let n = 0; n < frames; n += 1) {
      this.#frames += 1;
      this.conductor.hear({ pcm: new Int16Array(512).fill(value), atUs: this.#frames * 32000 });
    }
  }

  /** Press the button. */
  press(): void {
    this.conductor.called(this.ear.pressed(1_000_000));
  }

  /** What was said of that kind, in order. */
  of(type: string): Said[] {
    return this.said.filter((one) => one.type === type);
  }

  get stream(): string {
    return String(this.of("wake-heard").at(-1)?.["stream"]);
  }

  listen(more: Partial<Listen> = {}): void {
    this.conductor.command({
      type: "listen",
      turn: "turn-1",
      stream: this.stream,
      playback: "playback-1",
      limit_s: 15,
      ...more,
    });
  }

  play(more: Partial<Play> = {}): void {
    this.conductor.command({
      type: "play",
      playback: "playback-9",
      kind: "announcement",
      format: { rate_hz: 16000, codec: "pcm" },
      turn: "",
      gain_db: 0,
      at_us: 0,
      ...more,
    });
  }

  /** Send a playback of so many seconds, at 16 kHz. */
  speak(playback: string, seconds: number, last = true): void {
    const samples = Math.round(seconds * 16000);
    for (let at = 0, sequence = 0; at < samples; at += 4000, sequence += 1) {
      const count = Math.min(4000, samples - at);
      const frame = { sequence, position: at, at_us: 0, pcm: new Uint8Array(2 * count), last: last && at + count >= samples };
      this.following.get(playback)?.(frame);
    }
  }
}
