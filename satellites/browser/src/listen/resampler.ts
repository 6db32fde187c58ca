// Changes a sampling rate without aliases: a polyphase windowed-sinc filter. Pure, streaming.
//
// Kaiser's window, 80 dB down; the stop band begins at half of the lower rate, so that nothing folds
// back (Kaiser 1974; Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.6).

const ATTENUATION_DB = 80;
const BETA = 0.1102 * (ATTENUATION_DB - 8.7);
/** Zero crossings of the sinc to each side: the transition takes 8 % of the lower rate. */
const ZEROS = 32;
const TRANSITION = (ATTENUATION_DB - 7.95) / (14.36 * 2 * ZEROS);

export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #taps: number;
  readonly #phases: readonly Float32Array[];
  #history: Float32Array;
  /** Position of the next output's middle in the history, in steps of 1/up input samples. */
  #next: number;

  /** Rates in hertz, whole numbers. */
  constructor(fromHz: number, toHz: number) {
    const common = gcd(fromHz, toHz);
    this.#up = toHz / common;
    this.#down = fromHz / common;
    const half = Math.ceil(ZEROS * Math.max(1, fromHz / toHz));
    this.#taps = 2 * half;
    const cutoff = Math.min(1, toHz / fromHz) * (1 - TRANSITION);
    this.#phases = Array.from({ length: this.#up }, (_, phase) => kernel(half, phase / this.#up, cutoff));
    this.#history = new Float32Array(half - 1);
    this.#next = 0;
  }

  /** How long a sample takes on its way, in input samples. */
  get delay(): number {
    return this.#taps / 2;
  }

  /** Take any number of samples; return those that they complete. */
  push(samples: Float32Array): Float32Array {
    const all = new Float32Array(this.#history.length + samples.length);
    all.set(this.#history);
    all.set(samples, this.#history.length);
    const last = all.length - this.#taps;
    const count = Math.max(0, Math.floor(((last + 1) * this.#up - 1 - this.#next) / this.#down) + 1);
    const out = new Float32Array(count);
    for (let index = 0; index < count; index += 1) {
      const begin = Math.floor(this.#next / this.#up);
      const phase = this.#phases[this.#next % this.#up];
      let sum = 0;
      for (let tap = 0; tap < this.#taps; tap += 1) {
        sum += (all[begin + tap] ?? 0) * (phase?.[tap] ?? 0);
      }
      out[index] = sum;
      this.#next += this.#down;
    }
    const used = Math.min(Math.floor(this.#next / this.#up), all.length);
    this.#history = all.slice(used);
    this.#next -= used * this.#up;
    return out;
  }

  /** Return what is still inside: the last samples come out as silence goes in. */
  flush(): Float32Array {
    return this.push(new Float32Array(this.#taps / 2));
  }
}

/** Return the filter for an output that lies `fraction` of a sample behind tap `half - 1`. */
function kernel(half: number, fraction: number, cutoff: number): Float32Array {
  const taps = new Float32Array(2 * half);
  let sum = 0;
  for (let tap = 0; tap < taps.length; tap += 1) {
    const at = tap - (half - 1) - fraction;
    const x = Math.PI * cutoff * at;
    const value = (at === 0 ? 1 : Math.sin(x) / x) * kaiser(at / half);
    taps[tap] = value;
    sum += value;
  }
  return taps.map((value) => value / sum);
}

function kaiser(at: number): number {
  return Math.abs(at) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - at * at)) / bessel(BETA);
}

/** Modified Bessel function of the first kind, order 0. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let n = 1; term > sum * 1e-12; n += 1) {
    term *= (x / (2 * n)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(one: number, other: number): number {
  return other === 0 ? one : gcd(other, one % other);
}
