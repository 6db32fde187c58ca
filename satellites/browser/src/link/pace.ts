// When to ask the hub's time: now and then, and often where it matters and is in doubt. The rule of
// `antiphon_satellite.hub_clock`, whose numbers it has. Pure.

const ASK_S = 1;
const ASK_IN_DOUBT_S = 3;
const ASK_SELDOM_S = 15;
const SLOWER_IN_DOUBT = 1.02;
const SLOWER = 1.5;
const ASK_SOON_S = 0.05;
const SPREAD = 0.25;
const DOUBT_US = 2000;
const SURE_US = 1000;
const ASKS_AT_LEAST = 3;
const ASKS_EVERY_S = 5;

/** Questions in a row at most. */
export const ASKS = 40;

export class Pace {
  readonly #random: () => number;
  #waitS = ASK_S;
  #againS = 0;
  #asked = ASKS;

  /** Take a source of numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** How long to wait when the hub has come back: many satellites see it at once. */
  firstS(): number {
    this.#waitS = ASK_S;
    return ASK_S * this.#random();
  }

  /** The time is needed well: whether to ask now, for it is long since we did. */
  need(nowS: number): boolean {
    if (nowS < this.#againS) {
      return false;
    }
    this.#againS = nowS + ASKS_EVERY_S;
    this.#asked = 0;
    return true;
  }

  /** How long to wait behind a question, with the doubt there is. */
  waitS(doubtUs: number): number {
    this.#asked += 1;
    if (this.#asked < (doubtUs > SURE_US ? ASKS : ASKS_AT_LEAST)) {
      return ASK_SOON_S;
    }
    this.#asked = ASKS;
    this.#waitS =
      doubtUs > DOUBT_US
        ? Math.min(ASK_IN_DOUBT_S, SLOWER_IN_DOUBT * this.#waitS)
        : Math.min(ASK_SELDOM_S, SLOWER * this.#waitS);
    return this.#waitS * (1 - SPREAD + 2 * SPREAD * this.#random());
  }
}
