// Decides whether the satellite's id is ours: two tabs of one browser would have the same. Pure.
//
// The one that was there first keeps it; the other waits until that one says goodbye, or gives no
// sign of life for a while. Times are seconds on any steady clock.

import type { Goodbye, Hello } from "../protocol/generated";

const SETTLE_S = 0.2;
const RIVAL_LEASE_S = 15;

export class Claim {
  readonly #instance: string;
  /** When we connected, microseconds since 1970. */
  epoch = 0;
  mine = false;
  /** The living satellite that has our id. */
  rival: Hello | null = null;
  /** When to call `settle`; null: nothing to wait for. */
  dueS: number | null = null;

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** Begin anew: a connection is being made. */
  begin(epoch: number): void {
    this.lost();
    this.epoch = epoch;
  }

  /** Connected and subscribed: see first who is there. */
  connected(nowS: number): void {
    this.dueS = nowS + (this.rival === null ? SETTLE_S : RIVAL_LEASE_S);
  }

  /** The connection is gone, and what it promised. */
  lost(): void {
    this.mine = false;
    this.rival = null;
    this.dueS = null;
  }

  /** Take in what stands on our presence topic; true: say Hello again, it is ours. */
  saw(presence: Hello | Goodbye, nowS: number): boolean {
    if (presence.type === "hello") {
      return this.#sawHello(presence, nowS);
    }
    if (this.mine) {
      return true; // somebody's will, an older one of ours perhaps, has overwritten our Hello
    }
    if (this.rival !== null && presence.epoch >= this.rival.epoch) {
      this.rival = null;
      this.dueS = nowS + SETTLE_S;
    }
    return false;
  }

  /** The satellite of our id, if it is another, did something. */
  signOfLife(nowS: number): void {
    if (this.rival !== null) {
      this.dueS = nowS + RIVAL_LEASE_S;
    }
  }

  /** Tell whether the id became ours just now: time to say Hello. */
  settle(nowS: number): boolean {
    if (this.mine || this.dueS === null || nowS < this.dueS) {
      return false;
    }
    this.mine = true;
    this.rival = null;
    this.dueS = null;
    return true;
  }

  #sawHello(hello: Hello, nowS: number): boolean {
    if (hello.instance === this.#instance) {
      return false;
    }
    const older = hello.epoch > this.epoch || (hello.epoch === this.epoch && hello.instance > this.#instance);
    if (this.mine && older) {
      return true;
    }
    this.mine = false;
    this.rival = hello;
    this.dueS = nowS + RIVAL_LEASE_S;
    return false;
  }
}
