// Levels of audio. Pure.

export const SILENCE_DBFS = -200;
const FULL_SCALE = 32768;

/** Return the root-mean-square level of 16-bit samples, dB relative to full scale. */
export function levelDbfs(pcm: Int16Array): number {
  let energy = 0;
  for (const sample of pcm) {
    energy += sample * sample;
  }
  return energy === 0 ? SILENCE_DBFS : 10 * Math.log10(energy / pcm.length / FULL_SCALE ** 2);
}

const RISE_DB_PER_S = 2;
const FALL_SHARE_PER_S = 4;
const QUIETEST_DBFS = -96;

/** Follows the level's lower edge: slow to rise, fast to fall. */
export class NoiseFloor {
  #floorDbfs: number | null = null;

  /** The floor, dB relative to full scale; -200 before the first frame. */
  get dbfs(): number {
    return this.#floorDbfs ?? SILENCE_DBFS;
  }

  /** Take in the level of the next piece of audio, and how long it lasted. */
  take(level: number, seconds: number): void {
    const floor = this.#floorDbfs;
    const heard = Math.max(level, QUIETEST_DBFS);
    if (floor === null) {
      this.#floorDbfs = heard;
    } else if (heard >= floor) {
      this.#floorDbfs = Math.min(heard, floor + RISE_DB_PER_S * seconds);
    } else {
      this.#floorDbfs = floor + (heard - floor) * Math.min(1, FALL_SHARE_PER_S * seconds);
    }
  }
}
