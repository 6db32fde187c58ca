import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { factsFrom } from "../src/link/access";
import type { Newcomer } from "../src/link/access";
import { House } from "../src/link/house";
import { Keys } from "../src/link/keys";
import type { Link, Take } from "../src/link/link";
import { contextTrouble, microphoneTrouble } from "../src/listen/microphone";
import { microphoneWords, wordsFor } from "../src/page/words";
import type { View } from "../src/page/words";
import type { Hello, Welcome } from "../src/protocol/generated";
import type { Topic } from "../src/protocol/shape";
import { slugOf } from "../src/protocol/topic";

vi.mock("../src/listen/capture.worklet?worker&url", () => ({ default: "capture.worklet.js" }));

/** A link in memory: what is posted comes back to who listens, as a broker does it. */
class FakeLink implements Link {
  readonly posted: { readonly topic: string; readonly message: Record<string, unknown> }[] = [];
  readonly #takes = new Map<string, Take<never>>();

  on<T>(topic: Topic<T>, _: unknown, take: Take<T>): void {
    this.#takes.set(topic.name, take as Take<never>);
  }

  post<T>(topic: Topic<T>, _: unknown, message: T): void {
    this.posted.push({ topic: topic.name, message: message as Record<string, unknown> });
  }

  follow(): Promise<() => void> {
    return Promise.resolve(() => undefined);
  }

  come(topic: string, message: object, retained = false): void {
    this.#takes.get(topic)?.(message as never, retained);
  }

  kinds(): unknown[] {
    return this.posted.map((one) => one.message["type"]);
  }
}

const WHO = { satellite: "phone", room: "hall", host: "Firefox", software: "test" };
const NONE = {
  room: null,
  phrases: null,
  threshold: null,
  while_playing: null,
  gain_db: null,
  gate_threshold: null,
  gate_hangover_s: null,
  codec: null,
};
const welcome = (more: Partial<Welcome> = {}): Welcome => ({
  type: "welcome",
  hub: "hub",
  epoch: 5,
  site: "Home",
  protocol: { oldest: 1, newest: 1 },
  software: "1",
  codecs: [],
  ...more,
});

describe("house", () => {
  let link: FakeLink;
  let house: House;
  const happened: unknown[] = [];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
    happened.length = 0;
    link = new FakeLink();
    house = new House(link, WHO, {
      commanded: (command) => happened.push(command.type),
      hubChanged: (here) => happened.push(here ? "hub" : "no hub"),
      rivalChanged: (rival) => happened.push(rival?.host ?? "no rival"),
      gainWanted: (gainDb) => happened.push(`gain ${gainDb}`),
      incompatible: () => happened.push("incompatible"),
    });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  test("takes over the gain that the hub wants, and reports it", async () => {
    await arrive();
    link.come("SATELLITE_DESIRED", { type: "desired-settings", version: 7, settings: { ...NONE, gain_db: -6 } }, true);
    expect(happened).toContain("gain -6");
    const reported = link.posted.filter((one) => one.topic === "SATELLITE_REPORTED").map((one) => one.message);
    expect(reported.map((one) => one["version"])).toEqual([0, 7]);
    expect(reported.at(-1)).toMatchObject({ settings: { ...NONE, gain_db: -6 }, refused: 0, restarts: false });
  });

  const arrive = async (): Promise<void> => {
    house.will();
    link.come("HUB_PRESENCE", welcome(), true);
    house.connected();
    await vi.advanceTimersByTimeAsync(250);
  };

  const asks = (): number => link.kinds().filter((kind) => kind === "time-asked").length;

  test("says hello once the id is its own, and asks the time", async () => {
    await arrive();
    expect(link.posted[0]?.message).toMatchObject({ type: "hello", satellite: "phone", room: "hall", wake: "none" });
    expect(happened).toEqual(["hub"]);
    await vi.advanceTimersByTimeAsync(600);
    expect(asks()).toBe(1);
    house.askTimeSoon();
    await vi.advanceTimersByTimeAsync(600);
    expect(asks()).toBeGreaterThan(5);
    const asked = link.posted.at(-1)?.message["asked_us"] as number;
    link.come("SATELLITE_DO", { type: "time-told", asked_us: asked, received_us: asked + 7e6, replied_us: asked + 7e6 });
    expect(house.hubOffsetUs).toBeGreaterThan(6.9e6);
    expect(house.hubOffsetUs).toBeLessThan(7.1e6);
  });

  test("asks the time seldom once it is known well, and no hub that is away", async () => {
    const post = link.post.bind(link);
    vi.spyOn(link, "post").mockImplementation((topic, places, message) => {
      post(topic, places, message);
      const { type, asked_us: asked } = message as { type?: string; asked_us: number };
      if (type === "time-asked") {
        const at = asked + 7_000_000;
        link.come("SATELLITE_DO", { type: "time-told", asked_us: asked, received_us: at, replied_us: at });
      }
    });
    await arrive();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asks()).toBeLessThan(20);
    link.come("HUB_PRESENCE", { ...welcome(), type: "farewell" });
    const before = asks();
    house.askTimeSoon();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asks()).toBe(before);
  });

  test("an answer to somebody else's question of the time is not believed", async () => {
    await arrive();
    link.come("SATELLITE_DO", { type: "time-told", asked_us: 1, received_us: 2, replied_us: 3 });
    expect(house.hubOffsetUs).toBeNull();
  });

  test("a second tab waits, and takes over when the first one goes", async () => {
    const other: Partial<Hello> = { type: "hello", satellite: "phone", epoch: 1, instance: "other", host: "Chrome" };
    house.will();
    link.come("HUB_PRESENCE", welcome(), true);
    link.come("SATELLITE_PRESENCE", other, true);
    house.connected();
    await vi.advanceTimersByTimeAsync(5000);
    expect(happened).toEqual(["Chrome"]);
    expect(link.kinds()).toEqual([]);
    house.tell({ type: "button-pressed", gesture: "single" });
    expect(link.kinds()).toEqual([]);
    link.come("SATELLITE_PRESENCE", { type: "goodbye", satellite: "phone", epoch: 1, reason: "stopped" });
    await vi.advanceTimersByTimeAsync(250);
    expect(happened).toEqual(["Chrome", "no rival", "hub"]);
    expect(link.kinds()[0]).toBe("hello");
  });

  test("a hub that is started again is gone for a moment", async () => {
    await arrive();
    link.come("HUB_PRESENCE", welcome({ epoch: 6 }));
    link.come("HUB_PRESENCE", { type: "farewell", hub: "hub", epoch: 5, reason: "lost" });
    expect(happened).toEqual(["hub", "no hub", "hub"]);
    link.come("HUB_PRESENCE", { type: "farewell", hub: "hub", epoch: 6, reason: "stopped" });
    expect(happened.at(-1)).toBe("no hub");
  });

  test("a hub of another major is not talked to", async () => {
    await arrive();
    link.come("HUB_PRESENCE", welcome({ epoch: 9, protocol: { oldest: 2, newest: 3 } }));
    expect(happened.slice(1)).toEqual(["no hub", "incompatible"]);
  });

  test("without a connection there is no hub, and leaving says goodbye once", async () => {
    await arrive();
    house.leave();
    house.leave();
    expect(link.kinds().filter((kind) => kind === "goodbye")).toHaveLength(1);
    house.disconnected();
    expect(happened.at(-1)).toBe("no hub");
    const before = link.posted.length;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(link.posted).toHaveLength(before);
  });

  test("listening all the time is said to the hub", async () => {
    await arrive();
    house.listensAlways = true;
    house.introduce();
    expect(link.posted.at(-1)?.message).toMatchObject({ type: "hello", wake: "hub" });
  });

  test("a later connection is a later epoch", () => {
    house.will();
    const first = link.posted.length;
    const epochs = [house.will(), house.will()].map((will) => will.payload.toString());
    expect(epochs[0]).not.toBe(epochs[1]);
    expect(link.posted).toHaveLength(first);
  });
});

describe("keys", () => {
  class Store {
    readonly kept = new Map<string, string>();
    getItem(key: string): string | null {
      return this.kept.get(key) ?? null;
    }
    setItem(key: string, value: string): void {
      this.kept.set(key, value);
    }
  }
  const who = { satellite: "phone", room: "hall", host: "Firefox" };
  const made = (store = new Store()) => {
    const asked: Newcomer[] = [];
    const keys = new Keys(store as unknown as Storage, async (newcomer) => {
      asked.push(newcomer);
      return { username: "satellite-phone", password: `password ${asked.length}` };
    });
    return { keys, asked, store };
  };

  test("where none is needed none is asked for", async () => {
    const { keys, asked } = made();
    expect(await keys.account(false, who)).toEqual({ username: "", password: "" });
    expect(asked).toEqual([]);
  });

  test("an account is asked for once, and kept over reloads", async () => {
    const { keys, asked, store } = made();
    await keys.account(true, who);
    expect((await made(store).keys.account(true, who)).password).toBe("password 1");
    expect(asked).toHaveLength(1);
    expect(asked[0]?.serial).toMatch(/^browser-[0-9a-f]{16}$/);
  });

  test("a refused one is asked for anew, not at once, and with the same serial", async () => {
    const { keys, asked } = made();
    await keys.account(true, who);
    keys.refused();
    keys.refused();
    expect((await keys.account(true, who)).password).toBe("password 1");
    keys.refused();
    expect((await keys.account(true, who)).password).toBe("password 2");
    expect(asked[0]?.serial).toBe(asked[1]?.serial);
  });

  test.each(["", "nonsense", "{}", '{"satellite":"phone","username":1}', '{"satellite":"other","username":"a","password":"b"}'])(
    "what is kept may be damaged or of another satellite: %j",
    async (kept) => {
      const { keys, store } = made();
      store.setItem("antiphon.account", kept);
      expect((await keys.account(true, who)).password).toBe("password 1");
    },
  );
});

describe("what the console tells", () => {
  test("is read, the socket relative to the page", () => {
    const facts = factsFrom({ site: "Home", rooms: ["hall", 3], mqtt: "mqtt", accounts: true }, "https://hub.lan/satellite/");
    expect(facts).toEqual({ site: "Home", rooms: ["hall"], url: "wss://hub.lan/satellite/mqtt", accounts: true });
    expect(factsFrom({}, "http://localhost:8123/satellite/").url).toBe("ws://localhost:8123/satellite/mqtt");
  });

  test.each([null, 3, "text", []])("%j is borne", (answer) => {
    expect(factsFrom(answer, "http://localhost/satellite/").rooms).toEqual([]);
  });
});

describe("words", () => {
  const view: View = {
    started: true,
    link: "connected",
    why: "",
    state: "idle",
    recording: false,
    microphone: "open",
    trouble: "",
    listensAlways: false,
    rival: null,
    incompatible: "",
    rings: "",
  };

  test.each([
    [{ started: false }, "Not started", "off"],
    [{}, "Ready", "rest"],
    [{ state: "calling", recording: true }, "Listening", "recording"],
    [{ state: "listening", recording: true }, "Listening", "recording"],
    [{ state: "holding", recording: true, link: "lost" }, "Listening", "recording"],
    [{ state: "waiting", link: "lost" }, "Thinking…", "busy"],
    [{ state: "thinking" }, "Thinking…", "busy"],
    [{ state: "playing" }, "Answering", "speaking"],
    [{ state: "away" }, "No hub", "trouble"],
    [{ state: "away", link: "lost" }, "No connection", "trouble"],
    [{ state: "away", link: "signed-out" }, "Signed out", "trouble"],
    [{ state: "away", link: "refused" }, "Not let in", "trouble"],
    [{ rival: "Chrome" }, "Open elsewhere", "trouble"],
    [{ incompatible: "Hub x speaks another version." }, "Versions differ", "trouble"],
    [{ microphone: "trouble", trouble: "denied" }, "No microphone", "trouble"],
    [{ rings: "Timer pasta" }, "Timer pasta", "ringing"],
  ] as const)("%j: %s", (more, headline, mood) => {
    const words = wordsFor({ ...view, ...more });
    expect([words.headline, words.mood]).toEqual([headline, mood]);
    expect(words.detail).not.toBe("");
  });

  test("recording is always said, whatever else there is to say", () => {
    expect(microphoneWords({ ...view, recording: true, link: "lost" })).toContain("Recording");
    expect(microphoneWords(view)).toContain("sends nothing");
    expect(microphoneWords({ ...view, listensAlways: true })).toContain("awaits a voice");
    expect(microphoneWords({ ...view, microphone: "closed" })).toBe("Microphone off");
  });

  test.each(["NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError"])(
    "%s: what to do is said",
    (name) => {
      const text = microphoneTrouble(new DOMException("", name));
      expect(text).not.toContain(name);
      expect(text.length).toBeGreaterThan(30);
    },
  );

  test("an unencrypted page is told how to become one that may listen", () => {
    expect(contextTrouble({ isSecureContext: true, origin: "" })).toBe("");
    expect(contextTrouble({ isSecureContext: false, origin: "http://hub.lan" })).toContain("https://");
  });
});

test.each([
  ["Living room", "living-room"],
  ["  Küche  ", "k-che"],
  ["___", ""],
  ["A".repeat(80), "a".repeat(64)],
])("%j gives the id %j", (name, id) => {
  expect(slugOf(name)).toBe(id);
});
