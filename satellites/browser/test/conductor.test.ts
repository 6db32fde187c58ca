import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { SetAlarms } from "../src/protocol/generated";
import { World } from "./world";

let world: World;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  world = new World();
  world.conductor.hubChanged(true);
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a command", () => {
  test("goes up with what was heard before, and its reply comes down", async () => {
    world.hear(20);
    world.press();
    expect(world.conductor.state).toBe("calling");
    world.hear(5);
    world.listen();
    await world.pass(0);
    expect(world.of("playback-ready")).toEqual([{ type: "playback-ready", playback: "playback-1" }]);
    expect(world.conductor.recording).toBe(true);
    world.hear(5);
    world.conductor.command({ type: "stop-listening", stream: world.stream, reason: "speech-ended" });
    expect(world.sent.map(({ frame }) => frame.sequence)).toEqual([...Array(26).keys()]);
    expect(world.of("listen-ended")).toEqual([
      { type: "listen-ended", stream: world.stream, frames: 26, reason: "asked" },
    ]);
    expect(world.conductor.state).toBe("thinking");
    await world.pass(1);
    world.speak("playback-1", 1.5);
    await world.pass(0.1);
    expect(world.conductor.state).toBe("playing");
    expect(world.of("played")).toEqual([]);
    await world.pass(1.3);
    expect(world.of("played")).toEqual([]);
    await world.pass(0.2);
    expect(world.of("played")).toMatchObject([{ playback: "playback-1", samples: 24000, complete: true, underruns: 0 }]);
    expect(world.conductor.state).toBe("idle");
    expect(world.following.size).toBe(0);
  });

  test("ends when the button is let go", () => {
    world.press();
    world.hear(3);
    world.listen();
    world.conductor.endHere("source-ended");
    expect(world.conductor.state).toBe("thinking");
    expect(world.of("listen-ended")).toMatchObject([{ frames: 4, reason: "source-ended" }]);
    world.conductor.endHere("source-ended");
    expect(world.of("listen-ended")).toHaveLength(1);
  });

  test("that no hub takes ends by itself, with a sign", async () => {
    world.press();
    world.hear(3);
    await world.pass(2.1);
    expect(world.conductor.state).toBe("idle");
    expect(world.of("listen-ended")).toMatchObject([{ reason: "no-hub" }]);
    expect(world.speaker.outputs).toHaveLength(1);
  });

  test("ends at its limit", () => {
    world.press();
    world.listen({ limit_s: 0.1 });
    world.hear(10);
    expect(world.of("listen-ended")).toMatchObject([{ frames: 4, reason: "limit" }]);
  });

  test("is said again to a hub that was away, which takes it from the start", () => {
    world.press();
    world.hear(3);
    world.listen();
    world.conductor.hubChanged(false);
    expect(world.conductor.state).toBe("holding");
    world.hear(2);
    world.conductor.hubChanged(true);
    expect(world.of("wake-heard").map((one) => one["stream"])).toEqual([world.stream, world.stream]);
    world.conductor.command({ type: "resend", stream: world.stream, first: 0, last: 4 });
    expect(world.sent.map(({ frame }) => frame.sequence)).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
  });

  test("whose hub stays away is given up, and the person is told", async () => {
    world.press();
    world.listen();
    world.conductor.hubChanged(false);
    await world.pass(5.1);
    expect(world.conductor.state).toBe("missed");
    world.press();
    expect(world.conductor.state).toBe("missed");
  });

  test("that another satellite answers is kept back, and sent when that one fails", () => {
    world.press();
    world.hear(2);
    world.conductor.command({ type: "stop-listening", stream: world.stream, reason: "lost-arbitration" });
    world.hear(3);
    expect(world.sent).toHaveLength(2);
    world.listen();
    expect(world.sent.map(({ frame }) => frame.sequence)).toEqual([0, 1, 2, 3, 4]);
    expect(world.conductor.state).toBe("listening");
  });

  test("into a reply stops it", async () => {
    world.play();
    await world.pass(0);
    world.speak("playback-9", 5);
    await world.pass(1);
    world.press();
    await world.pass(0);
    expect(world.speaker.outputs[0]?.stopped).toBe(true);
    expect(world.of("played")).toMatchObject([{ playback: "playback-9", complete: false }]);
    expect(world.conductor.state).toBe("calling");
  });

  test("a cue of a failed turn is sounded; one of a past turn is not", async () => {
    world.press();
    world.listen();
    const shown = { type: "show-turn", turn: "turn-1", state: "failed", cue: "not-understood" } as const;
    world.conductor.command({ ...shown, turn: "turn-0" });
    await world.pass(0);
    expect(world.speaker.outputs).toHaveLength(0);
    expect(world.conductor.state).toBe("listening");
    world.conductor.command(shown);
    await world.pass(0);
    expect(world.speaker.outputs).toHaveLength(1);
    expect(world.conductor.state).toBe("idle");
  });
});

describe("what the hub asks", () => {
  test("a question opens the microphone, and takes what was said since", async () => {
    world.play();
    await world.pass(0);
    world.speak("playback-9", 0.5);
    await world.pass(0.6);
    world.hear(4, 7);
    world.listen({ stream: "stream-of-hub", turn: "turn-2", playback: "playback-2" });
    expect(world.microphoneWanted).toBe(1);
    expect(world.sent.map(({ stream, frame }) => [stream, frame.sequence])).toEqual(
      [0, 1, 2, 3].map((sequence) => ["stream-of-hub", sequence]),
    );
    world.conductor.endHere("source-ended");
    world.press();
    world.listen({ stream: "stream-of-hub" });
    expect(world.conductor.counts.listens_refused).toBe(1);
  });

  test("a released stream is forgotten", () => {
    world.press();
    world.hear(2);
    world.conductor.command({ type: "stop-listening", stream: world.stream, reason: "cancelled" });
    world.conductor.command({ type: "release", stream: world.stream });
    const before = world.sent.length;
    world.conductor.command({ type: "resend", stream: world.stream, first: 0, last: 9 });
    expect(world.sent).toHaveLength(before);
  });

  test("an alarm rings until the button stops it, and is hushed while one speaks", async () => {
    const told: SetAlarms = {
      type: "set-alarms",
      told_us: 0,
      alarms: [{ alarm: "timer-1", kind: "timer", due_us: 10e6, ring_s: 60, name: "pasta" }],
    };
    world.conductor.command(told);
    await world.pass(9.9);
    expect(world.speaker.outputs).toHaveLength(0);
    await world.pass(0.2);
    expect(world.of("alarm-rang")).toHaveLength(1);
    expect(world.rings.at(-1)).toBe("timer-1");
    await world.pass(5);
    const rung = world.speaker.outputs.length;
    expect(rung).toBeGreaterThanOrEqual(2);
    world.press();
    world.listen();
    await world.pass(5);
    expect(world.speaker.outputs.length).toBeLessThanOrEqual(rung + 1);
    world.conductor.command({ type: "stop-listening", stream: world.stream, reason: "cancelled" });
    await world.pass(3);
    expect(world.speaker.outputs.length).toBeGreaterThan(rung + 1);
    expect(world.ringer.takesButton()).toBe(true);
    expect(world.of("alarm-stopped")).toMatchObject([{ alarm: "timer-1", by: "button" }]);
    expect(world.rings.at(-1)).toBeNull();
    expect(world.ringer.takesButton()).toBe(false);
  });
});

describe("playbacks", () => {
  test("one waits for the other", async () => {
    world.play({ playback: "playback-a" });
    world.play({ playback: "playback-b" });
    await world.pass(0);
    world.speak("playback-a", 1);
    world.speak("playback-b", 1);
    await world.pass(0.5);
    expect(world.speaker.outputs).toHaveLength(1);
    await world.pass(2);
    expect(world.of("played").map((one) => [one["playback"], one["complete"]])).toEqual([
      ["playback-a", true],
      ["playback-b", true],
    ]);
  });

  test("without audio it is over after five seconds", async () => {
    world.play();
    await world.pass(5.1);
    expect(world.of("played")).toMatchObject([{ samples: 0, complete: false, first_at_us: 0 }]);
    expect(world.conductor.state).toBe("idle");
  });

  test("audio that stops in the middle ends it", async () => {
    world.play();
    await world.pass(0);
    world.speak("playback-9", 1, false);
    await world.pass(7);
    expect(world.of("played")).toMatchObject([{ samples: 16000, complete: false }]);
  });

  test("stopped at the hub's word", async () => {
    world.play();
    await world.pass(0);
    world.speak("playback-9", 10);
    await world.pass(1);
    world.conductor.command({ type: "stop-playing", playback: "playback-9" });
    await world.pass(0);
    expect(world.of("played")).toMatchObject([{ complete: false }]);
  });

  test("begins at the time that the hub names", async () => {
    world.hubOffsetUs = 5_000_000;
    const hubNowUs = (performance.timeOrigin + performance.now()) * 1000 + 5e6;
    world.play({ at_us: Math.round(hubNowUs + 2e6) });
    await world.pass(0);
    world.speak("playback-9", 1);
    const beganS = performance.now() / 1000;
    await world.pass(1);
    expect(world.speaker.outputs).toHaveLength(0);
    await world.pass(1);
    expect(world.speaker.outputs[0]?.firstS).toBeCloseTo(beganS + 2, 2);
    await world.pass(2);
    expect(world.of("played")).toMatchObject([{ samples: 16000, complete: true }]);
  });

  test("who is late leaves out what the others have played", async () => {
    world.hubOffsetUs = 0;
    const nowUs = (performance.timeOrigin + performance.now()) * 1000;
    world.play({ at_us: Math.round(nowUs - 0.5e6) });
    await world.pass(0);
    world.speak("playback-9", 1);
    await world.pass(2);
    expect(world.speaker.outputs[0]?.samples).toBeGreaterThan(7900);
    expect(world.speaker.outputs[0]?.samples).toBeLessThan(8100);
    expect(world.player.counts.samples_left_out).toBeGreaterThan(7900);
  });

  test("volume and ducking reach what sounds", async () => {
    world.play({ kind: "music", gain_db: -3 });
    await world.pass(0);
    world.speak("playback-9", 20);
    await world.pass(0.1);
    expect(world.speaker.outputs[0]?.gainDb).toBe(-3);
    world.conductor.command({ type: "set-volume", gain_db: -10 });
    expect(world.speaker.outputs[0]?.gainDb).toBe(-13);
    world.conductor.command({ type: "duck", level_db: -20, lease_s: 5 });
    expect(world.speaker.outputs[0]?.gainDb).toBe(-33);
    await world.pass(6);
    expect(world.speaker.outputs[0]?.gainDb).toBe(-13);
  });

  test("a connection that breaks meanwhile ends in one `played`", async () => {
    world.down = true;
    world.play();
    await world.pass(0.1);
    expect(world.of("played")).toHaveLength(1);
    expect(world.player.busy).toBe(false);
  });

  test("a speaker that fails is a fault, told once, and nothing hangs", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    world.speaker.broken = true;
    world.play();
    await world.pass(0);
    world.speak("playback-9", 1);
    await world.pass(0.1);
    expect(world.of("fault")).toMatchObject([{ code: "speaker" }]);
    expect(world.of("played")).toMatchObject([{ complete: false }]);
    world.speaker.broken = false;
    world.play({ playback: "playback-2" });
    await world.pass(0);
    world.speak("playback-2", 0.2);
    await world.pass(0.5);
    expect(world.of("played").at(-1)).toMatchObject({ complete: true });
  });

  test("more than eight are refused", async () => {
    for (let n = 0; n < 9; n += 1) {
      world.play({ playback: `playback-${n}` });
    }
    await world.pass(0);
    expect(world.of("played")).toMatchObject([{ playback: "playback-8", samples: 0 }]);
  });
});
