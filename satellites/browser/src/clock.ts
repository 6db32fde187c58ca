// The page's clocks. Both are steady: nobody sets them while the page is open.

/** Seconds since the page was opened. */
export function nowS(): number {
  return performance.now() / 1000;
}

/** Microseconds since 1970, by the machine's clock when the page was opened. */
export function nowUs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

/** Something that happens now and then, and can be waited for. */
export class Pulse {
  #waiting: (() => void)[] = [];

  /** It happens. */
  beat(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    waiting.forEach((wake) => wake());
  }

  /** Wait for the next beat; tell whether it came within so many seconds. */
  wait(seconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), seconds * 1000);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
}
