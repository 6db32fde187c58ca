// Feeds the state machine with what happens, and does what it says.

import type { Ringer } from "../alarms/ringer";
import { nowS } from "../clock";
import type { Command } from "../link/house";
import type { Call, Ear, PcmFrame } from "../listen/ear";
import type { Streams } from "../listen/streams";
import type { Listen, ListenEnded, ShowTurn, StopListening } from "../protocol/generated";
import type { PlaybackChanged, Player } from "../speak/player";
import type { Action, CueName, Event, State } from "./machine";
import { Machine } from "./machine";

const LIMIT_SLACK_S = 2;
const ATTENTIVE: ReadonlySet<State> = new Set(["away", "missed", "idle", "standing-by", "thinking"]);
const STREAMING: ReadonlySet<State> = new Set(["calling", "listening"]);

export interface ConductorHooks {
  /** Called behind each change of state. */
  readonly changed: (state: State) => void;
  /** Called when the hub wants to hear the room, and the microphone may be closed. */
  readonly microphoneWanted: () => void;
  readonly identify: () => void;
  /** Cues that are sounded of our own accord. */
  readonly cues: ReadonlySet<CueName>;
}

type Parts = {
  readonly ear: Ear;
  readonly streams: Streams;
  readonly player: Player;
  readonly ringer: Ringer;
};

/** One satellite's conversation with room and hub. */
export class Conductor {
  readonly #parts: Parts;
  readonly #hooks: ConductorHooks;
  readonly #machine = new Machine();
  readonly counts = { calls: 0, listens_refused: 0 };
  #call: Call | null = null;
  #asked: Listen | null = null;
  #stream = "";
  #pastTurn = "";
  #lease: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: Parts, hooks: ConductorHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  get state(): State {
    return this.#machine.state;
  }

  /** Whether what the microphone hears is sent. */
  get recording(): boolean {
    return STREAMING.has(this.state) && this.#parts.streams.running;
  }

  /** The turn that the hub made of the last call; empty before it did. */
  get turn(): string {
    return this.#asked?.turn ?? "";
  }

  // -- what happens -------------------------------------------------------------------------------

  /** Take the microphone's next frame. */
  hear(frame: PcmFrame): void {
    const call = this.#parts.ear.take(frame, ATTENTIVE.has(this.state));
    if (call !== null) {
      this.called(call);
    }
    if (this.#parts.streams.feed(frame)) {
      this.endHere("limit");
    } else if (this.#call?.cause === "voice" && this.#parts.streams.running && !this.#parts.ear.voice) {
      this.endHere("voice-ended");
    }
  }

  /** Somebody called; the page says by itself that a button was pressed. */
  called(call: Call): void {
    if (!STREAMING.has(this.state)) {
      this.#call = call;
    }
    this.#feed(call.cause);
  }

  /** End the stream of our own accord: the button was let go, the microphone closed. */
  endHere(reason: ListenEnded["reason"]): void {
    if (this.#parts.streams.end(reason)) {
      this.#feed("stream-ended");
    }
  }

  hubChanged(here: boolean): void {
    this.#feed(here ? "hub-came" : "hub-went");
  }

  playbackChanged(changed: PlaybackChanged): void {
    if (changed.to === "began") {
      this.#feed(changed.playback === this.#asked?.playback ? "reply-began" : "playback-began");
      return;
    }
    this.#parts.ear.fellQuiet();
    if (changed.to === "ended") {
      this.#feed("playback-ended");
    }
  }

  /** The hub asks something. */
  command(command: Command): void {
    switch (command.type) {
      case "listen":
        this.#listen(command);
        break;
      case "stop-listening":
        this.#stop(command);
        break;
      case "show-turn":
        this.#show(command);
        break;
      default:
        this.#obey(command);
    }
  }

  #listen(asked: Listen): void {
    const leaseS = asked.limit_s + LIMIT_SLACK_S;
    if (asked.stream === this.#stream) {
      this.#accept(asked);
      this.#parts.streams.limit(asked.limit_s);
      const confirms = STREAMING.has(this.state) || this.state === "standing-by";
      this.#feed("confirmed", confirms ? leaseS : undefined);
    } else if (this.recording || this.#parts.streams.knows(asked.stream)) {
      this.counts.listens_refused += 1;
    } else {
      this.#accept(asked);
      this.#feed("invited", leaseS);
    }
  }

  #accept(asked: Listen): void {
    if (asked.turn !== this.turn) {
      this.#pastTurn = this.turn;
    } else if (this.#asked !== null && asked.playback !== this.#asked.playback) {
      this.#parts.player.forget(this.#asked.playback); // of a hub that was started again
    }
    this.#asked = asked;
  }

  #stop(stop: StopListening): void {
    if (stop.stream !== this.#stream) {
      return;
    }
    const events = { "speech-ended": "speech-ended", "lost-arbitration": "stood-down" } as const;
    this.#feed(stop.reason in events ? events[stop.reason as keyof typeof events] : "dismissed");
  }

  #show(shown: ShowTurn): void {
    if (shown.turn === this.#pastTurn || (this.#asked !== null && shown.turn !== this.#asked.turn)) {
      return;
    }
    if (shown.cue !== null) {
      this.#parts.player.cue(shown.cue);
    }
    if (shown.state !== "thinking") {
      this.#feed(shown.state === "answered" ? "turn-answered" : "turn-failed");
    }
  }

  /** Do what does not touch the conversation. */
  #obey(command: Exclude<Command, Listen | StopListening | ShowTurn>): void {
    const { player, streams, ringer } = this.#parts;
    switch (command.type) {
      case "resend":
        return streams.resend(command);
      case "release":
        return streams.release(command.stream);
      case "play":
        return player.play(command);
      case "stop-playing":
        return player.stop(command.playback);
      case "chime":
        return player.cue(command.cue);
      case "set-volume":
        return player.setVolume(command.gain_db);
      case "duck":
        return player.duck(command.level_db, command.lease_s);
      case "set-alarms":
        return ringer.set(command);
      case "identify":
        this.#hooks.identify();
        return player.cue("listening");
      case "show-scores": // no wake engine here
      case "restart": // a page that is loaded anew needs a person's touch
        return;
    }
  }

  // -- what to do ---------------------------------------------------------------------------------

  #feed(event: Event, leaseS?: number): void {
    const before = this.state;
    const actions = this.#machine.feed(event, nowS(), leaseS);
    if (actions === null) {
      return;
    }
    if (event === "button" || event === "voice") {
      this.counts.calls += 1;
    }
    this.#parts.ringer.follow(before, event, this.state);
    actions.forEach((action) => this.#do(action));
    this.#watchLease();
    if (this.state !== before) {
      this.#hooks.changed(this.state);
    }
  }

  #watchLease(): void {
    clearTimeout(this.#lease);
    const deadlineS = this.#machine.deadlineS;
    if (deadlineS !== null) {
      this.#lease = setTimeout(() => this.#feed("time-out"), Math.max(0, deadlineS - nowS()) * 1000);
    }
  }

  #do(action: Action): void {
    const { player, streams } = this.#parts;
    switch (action.do) {
      case "open-stream":
        return this.#open(action.announced);
      case "call-again":
        return streams.callAgain(this.#stream);
      case "end-stream":
        streams.end(action.reason);
        return;
      case "pause-stream":
        return streams.pause();
      case "resume-stream":
        return streams.resume();
      case "expect-reply":
        return this.#asked === null ? undefined : player.expect(this.#asked.playback);
      case "forget-reply":
        return this.#asked === null ? undefined : player.forget(this.#asked.playback);
      case "stop-playback":
        return player.stopAll();
      case "play-cue":
        return this.#cue(action.cue);
    }
  }

  #open(announced: boolean): void {
    const { ear, streams } = this.#parts;
    if (announced && this.#call !== null) {
      this.#pastTurn = this.turn || this.#pastTurn;
      this.#asked = null;
      this.#stream = streams.open(this.#call);
    } else if (this.#asked !== null) {
      this.#call = null;
      this.#stream = this.#asked.stream;
      streams.openAsked(this.#asked, ear.sinceQuiet());
      this.#hooks.microphoneWanted();
    }
  }

  #cue(cue: CueName): void {
    // Somebody who only talked near the page did not call anybody.
    if (this.#hooks.cues.has(cue) && this.#call?.cause !== "voice") {
      this.#parts.player.cue(cue);
    }
  }
}
