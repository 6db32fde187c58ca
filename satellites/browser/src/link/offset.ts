// What time it is at the hub, from timed exchanges: what `antiphon_protocol.clock` computes. Pure.
//
// One exchange bounds the offset from both sides (RFC 5905, section 8). Of many, each direction's
// quickest message counts by itself. Whatever line of offset over time keeps all bounds may be the
// true one: their middle is told, and their spread is how much the middle is in doubt.

const EXCHANGES_KEPT = 160;
const KEPT_US = 480_000_000;
const SKEW_MAX = 250e-6;
const SKEW_USUAL = 60e-6;
const STEPS = 20;
const SLOPES = 13;
const SLACK_US = 100;
/** What slack lets pass has no room anywhere; then all slopes are as good, and hardly differ. */
const ROOM_MIN_US = 1e-3;

interface Exchange {
  readonly askedUs: number;
  readonly receivedUs: number;
  readonly repliedUs: number;
  readonly answeredUs: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

export class Offset {
  #exchanges: Exchange[] = [];
  #fit: Fit | null = null;

  /** Add an exchange; all times in microseconds, `asked` and `answered` on our clock.
   *
   * A negative delay means that a clock was set meanwhile, and all are forgotten.
   */
  add(askedUs: number, receivedUs: number, repliedUs: number, answeredUs: number): void {
    this.#fit = null;
    if (answeredUs - askedUs < repliedUs - receivedUs) {
      this.#exchanges = [];
      return;
    }
    const kept = this.#exchanges.filter((one) => askedUs - one.askedUs <= KEPT_US);
    this.#exchanges = [...kept, { askedUs, receivedUs, repliedUs, answeredUs }].slice(-EXCHANGES_KEPT);
  }

  /** What to add to our clock at this time to read the hub's, microseconds; null: not known yet. */
  at(ourUs: number): number | null {
    const fit = this.#fitted();
    return fit === null ? null : Math.round(fit.offsetUs(ourUs));
  }

  /** The standard error of the offset at this time, microseconds; infinite before the first exchange. */
  doubtAt(ourUs: number): number {
    return this.#fitted()?.doubtUs(ourUs) ?? Infinity;
  }

  /** What fits; where nothing does a clock was set, and the older half is forgotten. */
  #fitted(): Fit | null {
    while (this.#fit === null && this.#exchanges.length > 0) {
      const bounds = new Bounds(this.#exchanges);
      const slope = bounds.bestSlope();
      if (bounds.roomUs(slope) > -SLACK_US || this.#exchanges.length === 1) {
        this.#fit = new Fit(bounds, slope);
      } else {
        this.#exchanges = this.#exchanges.slice(Math.floor(this.#exchanges.length / 2));
      }
    }
    return this.#fit;
  }
}

/** What exchanges tell of the offset: above each answer, below each question. */
class Bounds {
  readonly atUs: number;
  readonly #least: readonly Point[];
  readonly #most: readonly Point[];

  constructor(exchanges: readonly Exchange[]) {
    const atUs = exchanges[exchanges.length - 1]?.answeredUs ?? 0;
    this.atUs = atUs;
    this.#least = hull(exchanges.map((one) => ({ x: one.answeredUs - atUs, y: one.repliedUs - one.answeredUs })));
    this.#most = hull(exchanges.map((one) => ({ x: one.askedUs - atUs, y: one.askedUs - one.receivedUs })));
  }

  /** The slope of most room; the room is concave, thus a search by thirds finds it. */
  bestSlope(): number {
    let [low, high] = [-SKEW_MAX, SKEW_MAX];
    for (let step = 0; step < STEPS; step++) {
      const third = (high - low) / 3;
      if (this.roomUs(low + third) < this.roomUs(high - third)) {
        low += third;
      } else {
        high -= third;
      }
    }
    return (low + high) / 2;
  }

  /** The slope furthest from one that fits, towards a limit, that fits as well. */
  furthestSlope(fits: number, limit: number): number {
    if (this.roomUs(limit) >= 0) {
      return limit;
    }
    let [inside, outside] = [fits, limit];
    for (let step = 0; step < STEPS; step++) {
      const middle = (inside + outside) / 2;
      if (this.roomUs(middle) >= 0) {
        inside = middle;
      } else {
        outside = middle;
      }
    }
    return inside;
  }

  /** The least and the largest offset at the last exchange, for a slope. */
  at(slope: number): readonly [number, number] {
    const least = Math.max(...this.#least.map(({ x, y }) => y - slope * x));
    const most = -Math.max(...this.#most.map(({ x, y }) => y + slope * x));
    return [least, most];
  }

  /** How far apart least and largest are; negative: the slope does not fit. */
  roomUs(slope: number): number {
    const [least, most] = this.at(slope);
    return most - least;
  }
}

/** The middle of all lines that fit, and their spread, as moments of offset and slope. */
class Fit {
  readonly #atUs: number;
  readonly #offsetUs: number;
  readonly #slope: number;
  readonly #offsetVariance: number;
  readonly #slopeVariance: number;
  readonly #covariance: number;

  constructor(bounds: Bounds, best: number) {
    const low = bounds.furthestSlope(best, -SKEW_MAX);
    const high = bounds.furthestSlope(best, SKEW_MAX);
    const lines = Array.from({ length: SLOPES }, (_, number) => {
      const slope = low + ((high - low) * (number + 0.5)) / SLOPES;
      const [least, most] = bounds.at(slope);
      const weight = Math.max(most - least, ROOM_MIN_US) * Math.exp(-((slope / SKEW_USUAL) ** 2) / 2);
      return { slope, middle: (least + most) / 2, within: (most - least) ** 2 / 12, weight };
    });
    const whole = lines.reduce((sum, one) => sum + one.weight, 0);
    const mean = (value: (one: (typeof lines)[number]) => number): number =>
      lines.reduce((sum, one) => sum + (one.weight / whole) * value(one), 0);
    const offsetUs = mean((one) => one.middle);
    const slope = mean((one) => one.slope);
    this.#atUs = bounds.atUs;
    this.#offsetUs = offsetUs;
    this.#slope = slope;
    this.#offsetVariance = mean((one) => (one.middle - offsetUs) ** 2 + one.within);
    this.#slopeVariance = mean((one) => (one.slope - slope) ** 2);
    this.#covariance = mean((one) => (one.middle - offsetUs) * (one.slope - slope));
  }

  offsetUs(ourUs: number): number {
    return this.#offsetUs + this.#slope * (ourUs - this.#atUs);
  }

  doubtUs(ourUs: number): number {
    const laterUs = ourUs - this.#atUs;
    const variance = this.#offsetVariance + 2 * this.#covariance * laterUs + this.#slopeVariance * laterUs ** 2;
    return Math.sqrt(Math.max(0, variance)); // rounding
  }
}

/** The upper convex hull (Andrew's monotone chain): the other points bind at no slope. */
function hull(points: readonly Point[]): readonly Point[] {
  const kept: Point[] = [];
  for (const point of [...points].sort((one, other) => one.x - other.x || one.y - other.y)) {
    for (;;) {
      const [first, last] = [kept[kept.length - 2], kept[kept.length - 1]];
      if (first === undefined || last === undefined) {
        break;
      }
      if ((last.x - first.x) * (point.y - first.y) < (last.y - first.y) * (point.x - first.x)) {
        break;
      }
      kept.pop();
    }
    kept.push(point);
  }
  return kept;
}
