// What time it is at the hub, from timed exchanges (RFC 5905, section 8). Pure.
//
// Of the last sixteen exchanges the least delayed is believed; a negative delay means that a clock
// was set meanwhile, and all are forgotten.

const EXCHANGES_KEPT = 16;

interface Exchange {
  readonly offsetUs: number;
  readonly delayUs: number;
}

export class Offset {
  #exchanges: Exchange[] = [];

  /** Add an exchange; all times in microseconds, `asked` and `answered` on our clock. */
  add(askedUs: number, receivedUs: number, repliedUs: number, answeredUs: number): void {
    const delayUs = answeredUs - askedUs - (repliedUs - receivedUs);
    if (delayUs < 0) {
      this.#exchanges = [];
      return;
    }
    const offsetUs = (receivedUs - askedUs + (repliedUs - answeredUs)) / 2;
    this.#exchanges = [...this.#exchanges, { offsetUs, delayUs }].slice(-EXCHANGES_KEPT);
  }

  /** What to add to our clock to read the hub's, microseconds; null: not known yet. */
  get us(): number | null {
    if (this.#exchanges.length === 0) {
      return null;
    }
    return Math.round(this.#exchanges.reduce((best, one) => (one.delayUs < best.delayUs ? one : best)).offsetUs);
  }
}
