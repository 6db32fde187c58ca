import { describe, expect, test } from "vitest";

import { Offset } from "../src/link/offset";
import { ASKS, Pace } from "../src/link/pace";
import python from "./clock.json";

const LATER_US = 30e6;
/** Sums in another order, and a search whose last step falls the other way. */
const NEAR_US = 2;

describe("offset", () => {
  test("nothing is known before the first exchange", () => {
    const offset = new Offset();
    expect(offset.at(0)).toBeNull();
    expect(offset.doubtAt(0)).toBe(Infinity);
  });

  test("a negative delay forgets all", () => {
    const offset = new Offset();
    offset.add(0, 1010, 1010, 20);
    expect(offset.at(20)).not.toBeNull();
    offset.add(100, 50, 900, 110);
    expect(offset.at(110)).toBeNull();
  });

  test.each(python.series)("is told as the satellites in Python tell it", (...rows) => {
    const offset = new Offset();
    for (const row of rows) {
      const [asked, received, replied, answered] = row.exchange as [number, number, number, number];
      offset.add(asked, received, replied, answered);
      expect(Math.abs((offset.at(answered) ?? NaN) - row.offset_us)).toBeLessThan(NEAR_US);
      expect(Math.abs(offset.doubtAt(answered) - row.doubt_us)).toBeLessThan(NEAR_US);
      expect(Math.abs(offset.doubtAt(answered + LATER_US) - row.doubt_later_us)).toBeLessThan(NEAR_US);
    }
  });
});

test("the hub is asked as often as satellites in Python ask it", () => {
  const pace = new Pace(() => 0.5);
  const waits = (rows: number[][]): number[] => rows.map(([doubt]) => pace.waitS(doubt ?? NaN));
  const near = (rows: number[][]): unknown[] => rows.map(([, wait]) => expect.closeTo(wait ?? NaN, 9));
  expect(ASKS).toBe(python.pace.asks);
  expect(pace.firstS()).toBe(python.pace.first_s);
  expect(waits(python.pace.seldom_s)).toEqual(near(python.pace.seldom_s));
  expect(python.pace.need.map(([at]) => pace.need(at as number))).toEqual(python.pace.need.map(([, now]) => now));
  expect(waits(python.pace.often_s)).toEqual(near(python.pace.often_s));
});
