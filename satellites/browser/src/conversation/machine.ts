// The satellite's conversation as a table: state and event give the next state and what to do. Pure.
//
// It is the table of the Python satellite (`antiphon_satellite.machine`), and a test holds it to
// that one, row by row: two satellites in one room must not behave differently.
//
// A pair that is not in the table changes nothing. A state that waits for somebody has a lease, and
// its `time-out` row leads out of it. That a message speaks of the stream, turn or playback at hand
// is the conductor's business.

import { PLAYBACK_SECONDS_MAX, STAND_BY_SECONDS, STREAM_SECONDS_MAX } from "../protocol/generated";
import type { Chime } from "../protocol/generated";

export type CueName = Chime["cue"];

/** Where the conversation is; see Python's `State` for each. */
export type State =
  | "away"
  | "missed"
  | "idle"
  | "calling"
  | "listening"
  | "standing-by"
  | "thinking"
  | "playing"
  | "holding"
  | "waiting";

/** What can happen to it; see Python's `Event` for each. */
export type Event =
  | "wake"
  | "voice"
  | "button"
  | "confirmed"
  | "invited"
  | "speech-ended"
  | "dismissed"
  | "stood-down"
  | "stream-ended"
  | "turn-answered"
  | "turn-failed"
  | "reply-began"
  | "playback-began"
  | "playback-ended"
  | "hub-came"
  | "hub-went"
  | "time-out";

/** What the machine asks for; the conductor does it. */
export type Action =
  | { readonly do: "open-stream"; readonly announced: boolean }
  | { readonly do: "call-again" }
  | { readonly do: "end-stream"; readonly reason: "asked" | "limit" | "no-hub" }
  | { readonly do: "pause-stream" }
  | { readonly do: "resume-stream" }
  | { readonly do: "expect-reply" }
  | { readonly do: "forget-reply" }
  | { readonly do: "stop-playback" }
  | { readonly do: "play-cue"; readonly cue: CueName };

export interface Step {
  readonly to: State;
  readonly do: readonly Action[];
}

const HOLD_S = 5;

/** How long each state may last, seconds; `away` and `idle` wait for nobody. */
export const LEASES_S: Readonly<Partial<Record<State, number>>> = {
  missed: 600,
  calling: 2,
  listening: STREAM_SECONDS_MAX + 2,
  "standing-by": STAND_BY_SECONDS,
  thinking: 30,
  playing: PLAYBACK_SECONDS_MAX + 10,
  holding: HOLD_S,
  waiting: HOLD_S,
};

const CALL: Action = { do: "open-stream", announced: true };
const OPEN: Action = { do: "open-stream", announced: false };
const EXPECT: Action = { do: "expect-reply" };
const FORGET: Action = { do: "forget-reply" };
const STOP: Action = { do: "stop-playback" };
const AGAIN: Action = { do: "call-again" };
const PAUSE: Action = { do: "pause-stream" };
const RESUME: Action = { do: "resume-stream" };
const end = (reason: "asked" | "limit" | "no-hub"): Action => ({ do: "end-stream", reason });
const cue = (name: CueName): Action => ({ do: "play-cue", cue: name });
const to = (state: State, ...actions: readonly Action[]): Step => ({ to: state, do: actions });

const ASKED = end("asked");
const UNREACHABLE = cue("unreachable");
const ANSWER_CALL = [OPEN, EXPECT, cue("listening")] as const;

export const TABLE: Readonly<Record<State, Readonly<Partial<Record<Event, Step>>>>> = {
  away: {
    wake: to("missed", UNREACHABLE),
    button: to("missed", UNREACHABLE),
    "hub-came": to("idle"),
  },
  missed: {
    wake: to("missed", UNREACHABLE),
    button: to("missed", UNREACHABLE),
    "hub-came": to("idle", cue("back")),
    "time-out": to("away"),
  },
  idle: {
    wake: to("calling", CALL),
    voice: to("calling", CALL),
    button: to("calling", CALL),
    invited: to("listening", ...ANSWER_CALL),
    "reply-began": to("playing"),
    "playback-began": to("playing"),
    "hub-went": to("away"),
  },
  calling: {
    confirmed: to("listening", EXPECT, cue("listening")),
    "speech-ended": to("thinking", ASKED, cue("heard")),
    dismissed: to("idle", ASKED),
    "stood-down": to("standing-by", PAUSE),
    "stream-ended": to("thinking"),
    "turn-answered": to("idle", ASKED),
    "turn-failed": to("idle", ASKED),
    "hub-went": to("holding"),
    "time-out": to("idle", end("no-hub"), UNREACHABLE),
  },
  listening: {
    confirmed: to("listening", EXPECT),
    "speech-ended": to("thinking", ASKED, cue("heard")),
    dismissed: to("idle", ASKED, FORGET),
    "stood-down": to("standing-by", PAUSE, FORGET),
    "stream-ended": to("thinking", cue("heard")),
    "turn-answered": to("idle", ASKED),
    "turn-failed": to("idle", ASKED, FORGET),
    "reply-began": to("playing", ASKED),
    "hub-went": to("holding"),
    "time-out": to("thinking", end("limit")),
  },
  "standing-by": {
    wake: to("calling", ASKED, CALL),
    button: to("calling", ASKED, CALL),
    confirmed: to("listening", RESUME, EXPECT, cue("listening")),
    invited: to("listening", ASKED, ...ANSWER_CALL),
    dismissed: to("idle", ASKED),
    "stream-ended": to("idle"),
    "reply-began": to("playing", ASKED),
    "playback-began": to("playing", ASKED),
    "hub-went": to("away", end("no-hub")),
    "time-out": to("idle", ASKED),
  },
  thinking: {
    wake: to("calling", STOP, CALL),
    button: to("calling", STOP, CALL),
    confirmed: to("thinking", EXPECT),
    invited: to("listening", ...ANSWER_CALL),
    "stood-down": to("idle", FORGET),
    dismissed: to("idle", FORGET),
    "turn-answered": to("idle"),
    "turn-failed": to("idle", FORGET),
    "reply-began": to("playing"),
    "playback-began": to("playing"),
    "hub-went": to("waiting"),
    "time-out": to("idle", FORGET, cue("failed")),
  },
  playing: {
    wake: to("calling", STOP, CALL),
    button: to("calling", STOP, CALL),
    invited: to("listening", STOP, ...ANSWER_CALL),
    "playback-ended": to("idle"),
    "hub-went": to("away"),
    "time-out": to("idle", STOP),
  },
  holding: {
    "hub-came": to("calling", AGAIN),
    "stream-ended": to("waiting"),
    "time-out": to("missed", end("no-hub"), FORGET, UNREACHABLE),
  },
  waiting: {
    "hub-came": to("thinking", AGAIN),
    button: to("missed", FORGET, UNREACHABLE),
    "reply-began": to("away"),
    "time-out": to("missed", FORGET, UNREACHABLE),
  },
};

/** One satellite's conversation; begins `away`. */
export class Machine {
  state: State = "away";
  /** When to feed `time-out`, on the clock that `feed` is given, seconds; null: never. */
  deadlineS: number | null = null;

  /**
   * Take one event; return what to do, in order; null: the event means nothing here.
   *
   * @param nowS The time, seconds on any steady clock.
   * @param leaseS How long the next state may last, instead of its usual lease.
   */
  feed(event: Event, nowS: number, leaseS?: number): readonly Action[] | null {
    const step = TABLE[this.state][event];
    if (step === undefined) {
      return null;
    }
    if (step.to !== this.state || leaseS !== undefined) {
      const lasts = leaseS ?? LEASES_S[step.to];
      this.deadlineS = lasts === undefined ? null : nowS + lasts;
    }
    this.state = step.to;
    return step.do;
  }
}
