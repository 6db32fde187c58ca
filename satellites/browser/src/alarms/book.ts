// What is set to ring, what rings, and what has rung. Pure: times are seconds on a steady clock.

import type { Alarm, AlarmRang, AlarmStopped, SetAlarms } from "../protocol/generated";

type StoppedBy = AlarmStopped["by"];
type Fact = AlarmRang | AlarmStopped;

interface Held {
  readonly alarm: Alarm;
  dueS: number;
  rang: boolean;
  stoppedBy: StoppedBy | null;
}

export class AlarmBook {
  #held = new Map<string, Held>();

  /** Take over what the hub set; what it left out is forgotten, and rings no more. */
  set(told: SetAlarms, nowS: number): void {
    const held = new Map<string, Held>();
    for (const alarm of told.alarms) {
      const key = `${alarm.alarm} ${alarm.due_us}`;
      const one = this.#held.get(key) ?? { alarm, dueS: 0, rang: false, stoppedBy: null };
      one.dueS = nowS + (alarm.due_us - told.told_us) / 1e6;
      held.set(key, one);
    }
    this.#held = held;
  }

  /** Return what is to ring now, the first one due first. */
  ringing(nowS: number): Alarm[] {
    const due = [...this.#held.values()].filter((one) => rings(one, nowS));
    return due.sort((one, other) => one.dueS - other.dueS).map((one) => one.alarm);
  }

  /** Return how long it takes until something begins or ceases to ring; null: nothing will. */
  nextS(nowS: number): number | null {
    const times = [...this.#held.values()]
      .filter((one) => one.stoppedBy === null)
      .flatMap((one) => [one.dueS, one.dueS + one.alarm.ring_s])
      .filter((atS) => atS > nowS);
    return times.length === 0 ? null : Math.min(...times) - nowS;
  }

  /** Return what has just begun to ring, or has rung for as long as it may. */
  passed(nowS: number): Fact[] {
    const facts: Fact[] = [];
    for (const one of this.#held.values()) {
      if (rings(one, nowS) && !one.rang) {
        one.rang = true;
        facts.push(rang(one));
      } else if (one.stoppedBy === null && nowS >= one.dueS + one.alarm.ring_s) {
        one.stoppedBy = "limit";
        if (one.rang) {
          facts.push(stopped(one, "limit"));
        }
      }
    }
    return facts;
  }

  /** Stop what rings; return what it was. */
  stop(by: StoppedBy, nowS: number): AlarmStopped[] {
    const ringing = [...this.#held.values()].filter((one) => rings(one, nowS));
    for (const one of ringing) {
      one.stoppedBy = by;
    }
    return ringing.map((one) => stopped(one, by));
  }

  /** Return what a hub that was away, or still sets what is over, needs to know. */
  toldAgain(nowS: number): Fact[] {
    const held = [...this.#held.values()];
    const over = held.flatMap((one) => (one.rang && one.stoppedBy !== null ? [stopped(one, one.stoppedBy)] : []));
    return [...held.filter((one) => rings(one, nowS)).map(rang), ...over];
  }
}

function rings(one: Held, nowS: number): boolean {
  return one.stoppedBy === null && one.dueS <= nowS && nowS < one.dueS + one.alarm.ring_s;
}

function rang(one: Held): AlarmRang {
  return { type: "alarm-rang", alarm: one.alarm.alarm, due_us: one.alarm.due_us };
}

function stopped(one: Held, by: StoppedBy): AlarmStopped {
  return { type: "alarm-stopped", alarm: one.alarm.alarm, due_us: one.alarm.due_us, by };
}
