// When is somebody talking? By level over the noise floor, with hysteresis. Pure.
//
// The energy engine and the gate of the Python satellite. Music opens it, too: the hub then looks
// for the wake phrase and finds none.

const RISE_DB = 0.1;
const SMOOTH = 0.3;
const HALF_DB = 9;
const SLOPE_DB = 1.5;
const FLOOR_START_DBFS = -50;
const FLOOR_LOW_DBFS = -70;
const OPEN_AT = 0.5;
const STAY_AT = (OPEN_AT * 2) / 3;
const OPEN_AFTER_S = 0.1;
const HANGOVER_S = 1.5;

/** Open while somebody talks, and for a while after. */
export class Gate {
  isOpen = false;
  #floorDbfs = FLOOR_START_DBFS;
  #voiceS = 0;
  #quietS = 0;

  /** Take the level of the next frame and its length; tell whether the gate is open now. */
  feed(levelDbfs: number, seconds: number): boolean {
    const probability = 1 / (1 + Math.exp(Math.min(60, (HALF_DB - (levelDbfs - this.#floorDbfs)) / SLOPE_DB)));
    this.#adapt(levelDbfs);
    if (!this.isOpen) {
      this.#voiceS = probability >= OPEN_AT ? this.#voiceS + seconds : 0;
      this.isOpen = this.#voiceS >= OPEN_AFTER_S;
      this.#quietS = 0;
      return this.isOpen;
    }
    this.#quietS = probability >= STAY_AT ? 0 : this.#quietS + seconds;
    if (this.#quietS >= HANGOVER_S) {
      this.isOpen = false;
      this.#voiceS = 0;
    }
    return this.isOpen;
  }

  #adapt(levelDbfs: number): void {
    const change = levelDbfs - this.#floorDbfs;
    const floor = this.#floorDbfs + (change > 0 ? Math.min(RISE_DB, change) : SMOOTH * change);
    this.#floorDbfs = Math.max(FLOOR_LOW_DBFS, floor);
  }
}
