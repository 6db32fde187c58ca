import { describe, expect, test } from "vitest";

import { AlarmBook } from "../src/alarms/book";
import { Claim } from "../src/link/claim";
import { Uplink } from "../src/listen/uplink";
import type { PcmFrame } from "../src/listen/ear";
import type { AudioFrame, Hello, SetAlarms } from "../src/protocol/generated";
import { Jitter } from "../src/speak/jitter";

const heard = (count: number): PcmFrame[] =>
  Array.from({ length: count }, (_, n) => ({ pcm: new Int16Array(512).fill(n), atUs: n * 32000 }));

describe("uplink", () => {
  test("numbers frames and counts samples, the last frame included", () => {
    const uplink = new Uplink();
    const first = uplink.open("stream-1", heard(2));
    const more = heard(1).map((one) => uplink.feed(one));
    const ended = uplink.end(5, 99);
    const all = [...first, ...more, ended?.last ?? null];
    expect(all.map((frame) => [frame?.sequence, frame?.position, frame?.last])).toEqual([
      [0, 0, false],
      [1, 512, false],
      [2, 1024, false],
      [3, 1536, true],
    ]);
    expect(uplink.running).toBe("");
    expect(uplink.knows("stream-1")).toBe(true);
    expect(uplink.end(6, 99)).toBeNull();
  });

  test("gives frames again until they are released", () => {
    const uplink = new Uplink();
    uplink.open("stream-1", heard(5));
    uplink.release("stream-1");
    expect(uplink.again({ stream: "stream-1", first: 1, last: 3 })).toHaveLength(3);
    uplink.end(0, 0);
    expect(uplink.again({ stream: "stream-1", first: 4, last: 99 })).toHaveLength(2);
    uplink.release("stream-1");
    expect(uplink.again({ stream: "stream-1", first: 0, last: 9 })).toEqual([]);
  });

  test("forgets what nobody released within half a minute", () => {
    const uplink = new Uplink();
    uplink.open("stream-1", heard(5));
    uplink.end(100, 0);
    uplink.expire(129);
    expect(uplink.keptFrames).toBe(6);
    uplink.expire(130);
    expect(uplink.keptFrames).toBe(0);
    expect(uplink.counts.streams_forgotten).toBe(1);
  });

  test("never keeps more than a minute: the oldest stream goes", () => {
    const uplink = new Uplink();
    for (let n = 0; n < 4; n += 1) {
      uplink.open(`stream-${n}`, heard(800));
      uplink.end(0, 0);
    }
    expect(uplink.keptFrames).toBeLessThanOrEqual(1876);
    expect(uplink.again({ stream: "stream-0", first: 0, last: 0 })).toEqual([]);
    expect(uplink.again({ stream: "stream-3", first: 0, last: 0 })).toHaveLength(1);
  });

  test("is full at its limit", () => {
    const uplink = new Uplink();
    uplink.open("stream-1", []);
    uplink.limit(0.1);
    expect(heard(5).map((one) => uplink.feed(one) !== null)).toEqual([true, true, true, false, false]);
    expect(uplink.full).toBe(true);
  });

  test("keeps back while paused, and tells what to send then", () => {
    const uplink = new Uplink();
    uplink.open("stream-1", heard(2));
    uplink.pause();
    expect(heard(3).map((one) => uplink.feed(one))).toEqual([null, null, null]);
    expect(uplink.resume()).toEqual({ stream: "stream-1", first: 2, last: 4 });
    expect(uplink.resume()).toBeNull();
    uplink.pause();
    uplink.end(0, 0);
    expect(uplink.keptFrames).toBe(0);
  });
});

describe("jitter", () => {
  const frame = (sequence: number, samples = 960, last = false): AudioFrame => ({
    sequence,
    position: sequence * 960,
    at_us: 0,
    pcm: new Uint8Array(2 * samples).fill(sequence + 1),
    last,
  });
  const taken = (jitter: Jitter): number[] => {
    const values: number[] = [];
    for (let pcm = jitter.take(); pcm !== null; pcm = jitter.take()) {
      values.push((pcm[0] ?? 0) & 0xff);
    }
    return values;
  };

  test("waits for 60 ms, then gives all in order", () => {
    const jitter = new Jitter(16000);
    jitter.put({ ...frame(1, 479), position: 480 });
    jitter.put(frame(0, 480));
    expect(taken(jitter)).toEqual([]);
    jitter.put({ ...frame(2, 1), position: 959 });
    expect(taken(jitter)).toEqual([1, 2, 3]);
  });

  test("goes on at once afterwards", () => {
    const jitter = new Jitter(16000);
    jitter.put({ ...frame(1), position: 480 });
    jitter.put(frame(0, 480));
    expect(taken(jitter)).toEqual([1, 2]);
    jitter.put({ ...frame(2, 10), position: 1440 });
    expect(taken(jitter)).toEqual([3]);
  });

  test("a short reply need not wait", () => {
    const jitter = new Jitter(16000);
    jitter.put(frame(0, 100, true));
    expect(taken(jitter)).toEqual([1]);
    expect(jitter.ended).toBe(true);
    expect(jitter.samples).toBe(100);
  });

  test("a hole becomes silence once there is audio behind it", () => {
    const jitter = new Jitter(16000);
    jitter.put(frame(0));
    expect(taken(jitter)).toEqual([1]);
    jitter.put(frame(3, 0, true));
    jitter.put(frame(2));
    expect(taken(jitter)).toEqual([0, 3, 0]);
    expect(jitter.missingSamples).toBe(960);
    expect(jitter.samples).toBe(3 * 960);
    jitter.put(frame(1));
    expect(jitter.rejected).toBe(1);
  });

  test("takes each frame once, and nothing behind the limit or the end", () => {
    const jitter = new Jitter(16000);
    jitter.put(frame(0));
    jitter.put(frame(0));
    jitter.put({ ...frame(1), position: 180 * 16000 });
    jitter.put(frame(1, 0, true));
    jitter.put(frame(2));
    expect(jitter.rejected).toBe(3);
  });

  test("a copy is given: an odd offset in the message does no harm", () => {
    const jitter = new Jitter(16000);
    const bytes = new Uint8Array(11).fill(7).subarray(1);
    jitter.put({ sequence: 0, position: 0, at_us: 0, pcm: bytes, last: true });
    expect(jitter.take()).toEqual(new Int16Array(5).fill(0x0707));
  });

  test("a buffer of the MQTT client's is copied, too", () => {
    const jitter = new Jitter(16000);
    const pcm = Buffer.from([9, 9, 9, 7, 7, 7, 7, 9, 9]).subarray(3, 7);
    jitter.put({ sequence: 0, position: 0, at_us: 0, pcm, last: true });
    expect(jitter.take()).toEqual(new Int16Array(2).fill(0x0707));
  });
});

describe("claim", () => {
  const hello = (instance: string, epoch: number): Hello => ({ type: "hello", instance, epoch }) as Hello;

  test("an id that nobody has is ours after a moment", () => {
    const claim = new Claim("a");
    claim.begin(10);
    claim.connected(100);
    expect(claim.settle(100.1)).toBe(false);
    expect(claim.settle(100.2)).toBe(true);
    expect(claim.settle(100.3)).toBe(false);
  });

  test("who was there first keeps it, until no sign of life comes", () => {
    const claim = new Claim("a");
    claim.begin(10);
    claim.connected(100);
    expect(claim.saw(hello("b", 5), 100.1)).toBe(false);
    expect(claim.settle(101)).toBe(false);
    claim.signOfLife(110);
    expect(claim.settle(116)).toBe(false);
    expect(claim.settle(125)).toBe(true);
  });

  test("who comes later is told that it is ours", () => {
    const claim = new Claim("a");
    claim.begin(10);
    claim.connected(100);
    claim.settle(101);
    expect(claim.saw(hello("b", 20), 102)).toBe(true);
    expect(claim.mine).toBe(true);
    expect(claim.saw(hello("c", 5), 103)).toBe(false);
    expect(claim.mine).toBe(false);
    expect(claim.rival?.instance).toBe("c");
  });

  test("a goodbye frees it; one that overwrote our hello has it said again", () => {
    const claim = new Claim("a");
    claim.begin(10);
    claim.connected(100);
    claim.saw(hello("b", 5), 100);
    claim.saw({ type: "goodbye", satellite: "x", epoch: 5, reason: "lost" }, 101);
    expect(claim.settle(101.2)).toBe(true);
    expect(claim.saw({ type: "goodbye", satellite: "x", epoch: 5, reason: "lost" }, 102)).toBe(true);
  });
});

describe("alarm book", () => {
  const told = (...dues: number[]): SetAlarms => ({
    type: "set-alarms",
    told_us: 1_000_000,
    alarms: dues.map((dueS, n) => ({ alarm: `timer-${n}`, kind: "timer", due_us: dueS * 1e6, ring_s: 60, name: "" })),
  });

  test("rings when it is due, whatever the hub's clock shows", () => {
    const book = new AlarmBook();
    book.set(told(11), 500);
    expect(book.nextS(500)).toBe(10);
    expect(book.ringing(509)).toEqual([]);
    expect(book.ringing(510).map((one) => one.alarm)).toEqual(["timer-0"]);
    expect(book.passed(510).map((fact) => fact.type)).toEqual(["alarm-rang"]);
    expect(book.passed(511)).toEqual([]);
    expect(book.passed(570)).toEqual([{ type: "alarm-stopped", alarm: "timer-0", due_us: 11e6, by: "limit" }]);
    expect(book.nextS(570)).toBeNull();
  });

  test("is stopped once, and the hub is told again", () => {
    const book = new AlarmBook();
    book.set(told(2, 3), 0);
    book.passed(5);
    expect(book.toldAgain(5).map((fact) => fact.type)).toEqual(["alarm-rang", "alarm-rang"]);
    expect(book.stop("button", 5)).toHaveLength(2);
    expect(book.stop("button", 5)).toHaveLength(0);
    expect(book.toldAgain(5).map((fact) => fact.type)).toEqual(["alarm-stopped", "alarm-stopped"]);
    book.set(told(2, 3), 6);
    expect(book.ringing(6)).toEqual([]);
  });

  test("what the hub leaves out rings no more", () => {
    const book = new AlarmBook();
    book.set(told(2), 0);
    book.set(told(), 1);
    expect(book.ringing(5)).toEqual([]);
  });
});
