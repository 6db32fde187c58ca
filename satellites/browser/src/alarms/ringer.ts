// Rings, one cycle after the other, and is hushed while somebody speaks with the house.

import { nowS } from "../clock";
import type { Event, State } from "../conversation/machine";
import type { Alarm, AlarmRang, AlarmStopped, SetAlarms } from "../protocol/generated";
import { ringPcm, RING_PAUSE_S } from "../speak/cues";
import { AlarmBook } from "./book";

const LOOK_S = 600;

export interface RingerHooks {
  readonly tell: (fact: AlarmRang | AlarmStopped) => void;
  /** Sound it; aborted, it is cut off at once. */
  readonly sound: (pcm: Int16Array, signal: AbortSignal) => Promise<void>;
  /** Called with what rings now, or null. */
  readonly rings: (alarm: Alarm | null) => void;
}

export class Ringer {
  readonly #hooks: RingerHooks;
  readonly #book = new AlarmBook();
  #hushed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #cycle: AbortController | null = null;

  constructor(hooks: RingerHooks) {
    this.#hooks = hooks;
  }

  /** Take over what the hub set. */
  set(told: SetAlarms): void {
    this.#book.set(told, nowS());
    this.#look();
    this.#tellAgain();
  }

  /** Take a press of the button for `stop`, if something rings. */
  takesButton(): boolean {
    return this.#stop("button");
  }

  /** Be silent while somebody speaks with the house, and ring on afterwards. */
  follow(before: State, event: Event, state: State): void {
    if (before === "calling" && (event === "time-out" || event === "hub-went")) {
      this.#stop("voice"); // nobody was there to hear "stop": the call itself is taken for it
    }
    if (event === "hub-came") {
      this.#tellAgain();
    }
    const hushed = state !== "away" && state !== "idle";
    if (hushed !== this.#hushed) {
      this.#hushed = hushed;
      this.#look();
    }
  }

  #stop(by: AlarmStopped["by"]): boolean {
    const stopped = this.#book.stop(by, nowS());
    stopped.forEach((fact) => this.#hooks.tell(fact));
    if (stopped.length > 0) {
      this.#look();
    }
    return stopped.length > 0;
  }

  #tellAgain(): void {
    this.#book.toldAgain(nowS()).forEach((fact) => this.#hooks.tell(fact));
  }

  /** See what is due, and when to look again. */
  #look(): void {
    clearTimeout(this.#timer);
    this.#book.passed(nowS()).forEach((fact) => this.#hooks.tell(fact));
    const [due] = this.#book.ringing(nowS());
    this.#hooks.rings(due ?? null);
    if (due === undefined || this.#hushed) {
      this.#cycle?.abort();
      this.#cycle = null;
    } else if (this.#cycle === null) {
      this.#cycle = new AbortController();
      void this.#ring(due, this.#cycle.signal);
    }
    const nextS = this.#book.nextS(nowS()) ?? LOOK_S;
    this.#timer = setTimeout(() => this.#look(), Math.min(LOOK_S, nextS) * 1000 + 1);
  }

  async #ring(alarm: Alarm, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#hooks.sound(ringPcm(alarm.kind), signal);
      await new Promise((resolve) => setTimeout(resolve, RING_PAUSE_S * 1000));
    }
  }
}
