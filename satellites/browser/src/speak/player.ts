// Plays what comes on playbacks, one sound at a time, and the cues.
//
// Each playback lives a life of its own: subscribe, say `playback-ready`, wait for audio, wait for
// the speaker, play, say `played`. Whatever happens to it, that is said exactly once.

import { nowS, nowUs, Pulse } from "../clock";
import type { CueName } from "../conversation/machine";
import { LinkDownError } from "../link/link";
import { SAMPLE_RATE_HZ, STREAM_SECONDS_MAX } from "../protocol/generated";
import type { AudioFrame, Fault, Play, PlaybackReady, Played } from "../protocol/generated";
import { cuePcm } from "./cues";
import { Jitter } from "./jitter";
import type { Output, Speaker } from "./speaker";
import { SpeakerError } from "./speaker";

const PLAYBACKS_MAX = 8;
const AUDIO_WITHIN_S = 5;
const REPLY_WITHIN_S = STREAM_SECONDS_MAX + 30;
const LEAD_IN_S = 0.35;
/** A common begin further away than this is a mistake of a clock, and not kept. */
const BEGINS_WITHIN_S = 10;

/** What the player needs of the house. */
export interface PlayerHouse {
  readonly hubOffsetUs: number | null;
  tell(fact: Fault | PlaybackReady | Played): void;
  follow(playback: string, take: (frame: AudioFrame) => void): Promise<() => void>;
  askTimeSoon(): void;
}

/** What became of a playback; `cue-over`: of a cue. */
export interface PlaybackChanged {
  readonly playback: string;
  readonly to: "began" | "ended" | "dropped" | "cue-over";
}

interface Playback {
  readonly id: string;
  readonly kind: Play["kind"];
  readonly rateHz: number;
  readonly patienceS: number;
  readonly jitter: Jitter;
  readonly pulse: Pulse;
  gainDb: number;
  /** Common begin, hub's clock; 0: none. */
  atUs: number;
  output: Output | null;
  leftOut: number;
  began: boolean;
  complete: boolean;
  stopped: boolean;
}

/** One sound at a time: the next waits for the one before. */
class Lane {
  #free: Promise<void> = Promise.resolve();
  #waiting = 0;

  get busy(): boolean {
    return this.#waiting > 0;
  }

  async run(sound: () => Promise<void>): Promise<void> {
    this.#waiting += 1;
    const before = this.#free;
    let release = (): void => undefined;
    this.#free = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    try {
      await sound();
    } finally {
      this.#waiting -= 1;
      release();
    }
  }
}

export class Player {
  readonly counts = {
    playbacks: 0,
    playbacks_refused: 0,
    frames_rejected: 0,
    samples_missing: 0,
    samples_left_out: 0,
    underruns: 0,
    cues: 0,
    cues_dropped: 0,
    speaker_faults: 0,
  };
  readonly #house: PlayerHouse;
  readonly #speaker: Speaker;
  readonly #changed: (changed: PlaybackChanged) => void;
  readonly #open = new Map<string, Playback>();
  readonly #sounding = new Lane();
  readonly #music = new Lane();
  #volumeDb = 0;
  #ownDb = 0;
  #duckedDb = 0;
  #duckedUntilS = 0;

  constructor(house: PlayerHouse, speaker: Speaker, changed: (changed: PlaybackChanged) => void) {
    this.#house = house;
    this.#speaker = speaker;
    this.#changed = changed;
  }

  /** Whether a playback is expected, waits or sounds. */
  get busy(): boolean {
    return this.#open.size > 0;
  }

  /** Be ready for a turn's reply, in the protocol's own format. */
  expect(playback: string): void {
    this.#begin(playback, "reply", SAMPLE_RATE_HZ, 0, REPLY_WITHIN_S);
  }

  /** Be ready for a playback; its audio must come soon. */
  play(asked: Play): void {
    this.#begin(asked.playback, asked.kind, asked.format.rate_hz, asked.gain_db, AUDIO_WITHIN_S);
    const one = this.#open.get(asked.playback);
    if (one !== undefined && asked.at_us !== 0 && !one.began) {
      one.atUs = asked.at_us;
      this.#house.askTimeSoon();
      one.pulse.beat();
    }
  }

  /** Give a playback up, unless it sounds already. */
  forget(playback: string): void {
    const one = this.#open.get(playback);
    if (one !== undefined && !one.began) {
      this.#cancel(one);
    }
  }

  /** Stop a playback at once. */
  stop(playback: string): void {
    const one = this.#open.get(playback);
    if (one !== undefined) {
      this.#cancel(one);
    }
  }

  /** Stop everything that sounds, waits or is expected. */
  stopAll(): void {
    [...this.#open.values()].forEach((one) => this.#cancel(one));
  }

  /** Play everything at this volume from now on. */
  setVolume(gainDb: number): void {
    this.#volumeDb = gainDb;
    this.#adjust();
  }

  /** Play everything so much louder than that. */
  setOwnGain(gainDb: number): void {
    this.#ownDb = gainDb;
    this.#adjust();
  }

  /** Play music quieter, until the lease ends. */
  duck(levelDb: number, leaseS: number): void {
    this.#duckedDb = levelDb;
    this.#duckedUntilS = nowS() + leaseS;
    this.#adjust();
    setTimeout(() => this.#adjust(), leaseS * 1000 + 10);
  }

  /** Sound a cue, unless something sounds already (policy: reject, counted). */
  cue(cue: CueName): void {
    if (this.#sounding.busy) {
      this.counts.cues_dropped += 1;
      return;
    }
    this.counts.cues += 1;
    void this.sound(cuePcm(cue)).then(() => this.#changed({ playback: `cue-${cue}`, to: "cue-over" }));
  }

  /** Sound something of our own, behind what sounds now; aborted, it is cut off at once. */
  async sound(pcm: Int16Array, signal?: AbortSignal): Promise<void> {
    await this.#sounding.run(async () => {
      if (signal?.aborted === true) {
        return;
      }
      try {
        const output = this.#speaker.open(SAMPLE_RATE_HZ, this.#ownDb + this.#volumeDb);
        signal?.addEventListener("abort", () => output.stop());
        output.write(pcm);
        await output.drain();
      } catch (error) {
        this.#fault(error);
      }
    });
  }

  // -- inside -------------------------------------------------------------------------------------

  #begin(id: string, kind: Play["kind"], rateHz: number, gainDb: number, patienceS: number): void {
    const known = this.#open.get(id);
    if (known !== undefined) {
      // Asked for twice: by Listen, then by Play. The first subscription serves.
      known.gainDb = gainDb;
      this.#house.tell({ type: "playback-ready", playback: id });
      return;
    }
    if (this.#open.size >= PLAYBACKS_MAX) {
      this.counts.playbacks_refused += 1;
      this.#house.tell({ type: "played", playback: id, samples: 0, complete: false, first_at_us: 0, underruns: 0 });
      return;
    }
    const one: Playback = {
      id,
      kind,
      rateHz,
      patienceS,
      gainDb,
      jitter: new Jitter(rateHz),
      pulse: new Pulse(),
      atUs: 0,
      output: null,
      leftOut: 0,
      began: false,
      complete: false,
      stopped: false,
    };
    this.#open.set(id, one);
    this.counts.playbacks += 1;
    void this.#live(one);
  }

  #cancel(one: Playback): void {
    one.stopped = true;
    one.output?.stop();
    one.pulse.beat();
  }

  async #live(one: Playback): Promise<void> {
    let unfollow = (): void => undefined;
    try {
      unfollow = await this.#house.follow(one.id, (frame) => {
        one.jitter.put(frame);
        one.pulse.beat();
      });
      this.#house.tell({ type: "playback-ready", playback: one.id });
      const fed = one.stopped || one.jitter.fed || (await one.pulse.wait(one.patienceS));
      if (fed && !one.stopped) {
        await this.#waitForItsTime(one);
        await (one.kind === "music" ? this.#music : this.#sounding).run(() => this.#sound(one));
      }
    } catch (error) {
      if (!(error instanceof LinkDownError)) {
        this.#fault(error);
      }
    }
    this.#over(one); // before unsubscribing: the hub waits for it
    unfollow();
  }

  async #sound(one: Playback): Promise<void> {
    if (one.stopped) {
      return;
    }
    const output = this.#speaker.open(one.rateHz, this.#gain(one));
    one.output = output;
    one.complete = await this.#pump(one, output);
    if (!one.stopped) {
      await output.drain();
    }
    one.complete &&= !one.stopped;
  }

  /** Write until the last sample; false when audio stopped coming before it. */
  async #pump(one: Playback, output: Output): Promise<boolean> {
    while (!one.stopped) {
      const pcm = one.jitter.take();
      if (pcm !== null) {
        this.#write(one, output, pcm);
        continue;
      }
      if (one.jitter.ended) {
        return one.jitter.missingSamples === 0 && (one.leftOut === 0 || one.leftOut < one.jitter.samples);
      }
      if (!(await one.pulse.wait(AUDIO_WITHIN_S))) {
        return false;
      }
      if (one.began && output.endS < this.#speaker.nowS) {
        one.jitter.restart();
      }
    }
    return false;
  }

  #write(one: Playback, output: Output, pcm: Int16Array): void {
    let rest = pcm;
    let atS: number | undefined;
    const beginsS = one.began ? null : this.#beginsS(one);
    if (beginsS !== null) {
      const dueS = beginsS + (one.jitter.samples - pcm.length) / one.rateHz;
      const late = Math.min(pcm.length, Math.max(0, Math.ceil((output.endS - dueS) * one.rateHz)));
      rest = pcm.subarray(late);
      one.leftOut += late;
      atS = dueS + late / one.rateHz;
    }
    if (rest.length === 0) {
      return;
    }
    output.write(rest, atS);
    if (!one.began) {
      one.began = true;
      this.#changed({ playback: one.id, to: "began" });
    }
  }

  /** Return the common begin on the speaker's clock; null: there is none, or it is not known. */
  #beginsS(one: Playback): number | null {
    const offsetUs = this.#house.hubOffsetUs;
    if (one.atUs === 0 || offsetUs === null) {
      return null;
    }
    const inS = (one.atUs - offsetUs - nowUs()) / 1e6;
    return Math.abs(inS) > BEGINS_WITHIN_S ? null : this.#speaker.nowS + inS;
  }

  async #waitForItsTime(one: Playback): Promise<void> {
    for (;;) {
      const beginsS = this.#beginsS(one);
      const waitS = beginsS === null ? 0 : beginsS - this.#speaker.nowS - LEAD_IN_S;
      if (waitS <= 0 || one.stopped) {
        return;
      }
      await one.pulse.wait(waitS);
    }
  }

  #gain(one: Playback): number {
    const ducked = one.kind === "music" && nowS() < this.#duckedUntilS;
    return this.#ownDb + this.#volumeDb + one.gainDb + (ducked ? this.#duckedDb : 0);
  }

  #adjust(): void {
    this.#open.forEach((one) => one.output?.setGain(this.#gain(one)));
  }

  #over(one: Playback): void {
    this.#open.delete(one.id);
    const firstS = one.output?.firstS ?? null;
    this.counts.underruns += one.output?.underruns ?? 0;
    this.counts.samples_missing += one.jitter.missingSamples;
    this.counts.samples_left_out += one.leftOut;
    this.counts.frames_rejected += one.jitter.rejected;
    this.#house.tell({
      type: "played",
      playback: one.id,
      samples: one.began ? one.jitter.samples : 0,
      complete: one.complete,
      first_at_us: firstS === null ? 0 : Math.round(nowUs() + (firstS - this.#speaker.nowS) * 1e6),
      underruns: one.output?.underruns ?? 0,
    });
    this.#changed({ playback: one.id, to: one.began ? "ended" : "dropped" });
  }

  #fault(error: unknown): void {
    this.counts.speaker_faults += 1;
    const text = error instanceof SpeakerError ? error.message : String(error);
    console.error(text);
    this.#house.tell({ type: "fault", code: "speaker", text: text.slice(0, 500) });
  }
}
