import { expect, test } from "vitest";

import { LEASES_S, Machine, TABLE } from "../src/conversation/machine";
import type { Event, State } from "../src/conversation/machine";
import python from "./machine.json";

const pairs = Object.entries(TABLE).flatMap(([state, row]) =>
  Object.keys(row).map((event) => [state as State, event as Event] as const),
);

test("the table is that of the Python satellite, row by row", () => {
  expect(TABLE).toEqual(python.table);
});

test("the leases are those of the Python satellite", () => {
  expect(LEASES_S).toEqual(python.leases_s);
});

test.each(pairs)("%s, %s: the next state has its lease", (state, event) => {
  const machine = new Machine();
  machine.state = state;
  machine.deadlineS = 7;
  const actions = machine.feed(event, 100);
  const step = TABLE[state][event];
  expect(actions).toEqual(step?.do);
  expect(machine.state).toBe(step?.to);
  const lease = LEASES_S[machine.state];
  const kept = machine.state === state ? 7 : lease === undefined ? null : 100 + lease;
  expect(machine.deadlineS).toBe(kept);
});

test("what is not in the table changes nothing", () => {
  const machine = new Machine();
  expect(machine.feed("speech-ended", 1)).toBeNull();
  expect(machine.state).toBe("away");
});

test("a lease may be told", () => {
  const machine = new Machine();
  machine.feed("hub-came", 0);
  machine.feed("button", 1);
  machine.feed("confirmed", 2, 17);
  expect(machine.deadlineS).toBe(19);
});

test.each(Object.keys(LEASES_S) as State[])("%s ends by its lease", (state) => {
  expect(TABLE[state]["time-out"]?.to).not.toBe(state);
});
