// The satellite of this page, built top to bottom in one place.

import { Ringer } from "../alarms/ringer";
import { nowS, nowUs } from "../clock";
import { Conductor } from "../conversation/conductor";
import type { State } from "../conversation/machine";
import { askAccount, askHouse } from "../link/access";
import { BrokerLink } from "../link/broker";
import type { LinkState } from "../link/broker";
import { House } from "../link/house";
import type { Who } from "../link/house";
import { Keys } from "../link/keys";
import { Ear } from "../listen/ear";
import type { PcmFrame } from "../listen/ear";
import { SILENCE_DBFS } from "../listen/levels";
import { Microphone, MicrophoneError } from "../listen/microphone";
import { Streams } from "../listen/streams";
import type { Alarm } from "../protocol/generated";
import { Player } from "../speak/player";
import { WebSpeaker } from "../speak/web_speaker";
import type { View } from "./words";

/** A press longer than this is held to talk: letting go ends the command. */
const TAP_S = 0.4;
/** People let go on their last syllable. */
const TAIL_MS = 250;
/** Without a use the microphone is closed after so long. */
const MICROPHONE_IDLE_MS = 60_000;
/** A permission was asked for meanwhile: the person has not begun to speak. */
const PROMPTED_S = 1;
const COUNT_EVERY_MS = 30_000;
const LOCK = "antiphon-satellite";
/** Another tab is told of only if it does not close at once, as when a page is reloaded. */
const TOLD_MS = 300;
/** As the other satellites: the page itself shows when it listens. */
const CUES = new Set(["failed", "unreachable", "back"] as const);

export class Satellite {
  /** Called with each change of what there is to show. */
  onChange: () => void = () => undefined;
  /** Called when the hub asks which satellite this is. */
  onIdentify: () => void = () => undefined;
  readonly #context: AudioContext;
  readonly #keys = new Keys(localStorage, askAccount);
  readonly #link: BrokerLink;
  readonly #house: House;
  readonly #ear = new Ear();
  readonly #microphone: Microphone;
  readonly #conductor: Conductor;
  readonly #ringer: Ringer;
  readonly #player: Player;
  readonly #streams: Streams;
  #linkState: LinkState = "connecting";
  #why = "";
  #trouble = "";
  #rival: string | null = null;
  #incompatible = "";
  #rings: Alarm | null = null;
  #listensAlways = false;
  #awake: WakeLockSentinel | null = null;
  #pressedS: number | null = null;
  #idle: ReturnType<typeof setTimeout> | undefined;

  /** Build it; `context` was made by a person's touch, thus it may sound. */
  constructor(who: Who, context: AudioContext) {
    this.#context = context;
    this.#link = new BrokerLink(`satellite-${who.satellite}-${Math.random().toString(16).slice(2, 10)}`, {
      access: async () => {
        const { url, accounts } = await askHouse();
        const { satellite, room, host } = who;
        return { url, ...(await this.#keys.account(accounts, { satellite, room, host })) };
      },
      will: () => this.#house.will(),
      changed: (state, why) => this.#linkChanged(state, why),
    });
    this.#house = new House(this.#link, who, {
      commanded: (command) => this.#conductor.command(command),
      hubChanged: (here) => this.#conductor.hubChanged(here),
      rivalChanged: (rival) => this.#set(() => (this.#rival = rival === null ? null : rival.host)),
      gainWanted: (gainDb) => this.#player.setOwnGain(gainDb),
      incompatible: (theirs) =>
        this.#set(() => (this.#incompatible = `Hub ${theirs.hub} speaks another version. Reload this page.`)),
    });
    const speaker = new WebSpeaker(context, context.destination);
    this.#player = new Player(this.#house, speaker, (changed) => this.#conductor.playbackChanged(changed));
    this.#ringer = new Ringer({
      tell: (fact) => this.#house.tell(fact),
      sound: (pcm, signal) => this.#player.sound(pcm, signal),
      rings: (alarm) => this.#set(() => (this.#rings = alarm)),
    });
    this.#streams = new Streams(this.#house);
    this.#conductor = new Conductor(
      { ear: this.#ear, streams: this.#streams, player: this.#player, ringer: this.#ringer },
      {
        changed: () => this.#stateChanged(),
        microphoneWanted: () => void this.#openMicrophone(),
        identify: () => this.onIdentify(),
        cues: CUES,
      },
    );
    this.#microphone = new Microphone(
      context,
      (frame) => this.#heard(frame),
      () => this.#microphoneChanged(),
    );
    context.addEventListener("statechange", () => this.onChange());
  }

  /** Connect; ask for the microphone unless it was allowed before: then it stays closed until used. */
  async start(): Promise<void> {
    await this.#alone();
    this.#link.start();
    setInterval(() => this.#count(), COUNT_EVERY_MS);
    if (!(await this.#microphone.granted())) {
      await this.#openMicrophone();
    }
  }

  /** Say goodbye. */
  stop(): void {
    this.#house.leave();
    this.#microphone.close();
    this.#link.stop();
  }

  /** The network is back, or the page is looked at again. */
  hurry(): void {
    this.#link.hurry();
    void this.#context.resume();
    if (this.#listensAlways && this.#awake?.released !== false) {
      void this.#stayAwake();
    }
  }

  get state(): State {
    return this.#conductor.state;
  }

  /** Level of what the microphone hears now, dB relative to full scale. */
  get levelDbfs(): number {
    return this.#microphone.isOpen ? this.#ear.levelDbfs : SILENCE_DBFS;
  }

  get view(): View {
    const rings = this.#rings;
    return {
      started: true,
      link: this.#linkState,
      why: this.#why,
      state: this.#conductor.state,
      recording: this.#conductor.recording,
      microphone: this.#microphone.isOpen ? "open" : this.#trouble === "" ? "closed" : "trouble",
      trouble: this.#trouble,
      listensAlways: this.#listensAlways,
      rival: this.#rival,
      incompatible: this.#incompatible,
      rings: rings === null ? "" : `${{ timer: "Timer", alarm: "Alarm", reminder: "Reminder" }[rings.kind]} ${rings.name}`.trim(),
    };
  }

  /** Whether a voice shall call, too, and the hub look for the wake word. */
  async listenAlways(always: boolean): Promise<void> {
    this.#listensAlways = always;
    this.#ear.open = always;
    this.#house.listensAlways = always;
    this.#house.introduce();
    const before = this.#awake;
    await this.#stayAwake();
    await before?.release();
    if (always) {
      await this.#openMicrophone();
    }
    this.#watchIdle();
    this.onChange();
  }

  /** The button goes down. */
  async press(): Promise<void> {
    void this.#context.resume();
    if (this.#conductor.recording) {
      this.#conductor.endHere("source-ended");
      return;
    }
    this.#house.tell({ type: "button-pressed", gesture: "single" });
    if (this.#ringer.takesButton()) {
      this.#player.stopAll();
      return;
    }
    const pressedS = nowS();
    this.#pressedS = pressedS;
    const granted = this.#microphone.isOpen || (await this.#microphone.granted());
    const opened = await this.#openMicrophone();
    if (opened && (granted || nowS() - pressedS < PROMPTED_S)) {
      this.#conductor.called(this.#ear.pressed(nowUs()));
    }
  }

  /** The button goes up: held, it ends the command; tapped, the hub hears when it is over. */
  release(): void {
    const heldS = this.#pressedS === null ? 0 : nowS() - this.#pressedS;
    this.#pressedS = null;
    if (heldS > TAP_S && this.#conductor.recording) {
      setTimeout(() => this.#conductor.endHere("source-ended"), TAIL_MS);
    }
  }

  // -- inside -------------------------------------------------------------------------------------

  /** Wait until no other tab of this browser is the satellite; the browser keeps the order. */
  async #alone(): Promise<void> {
    if (navigator.locks === undefined) {
      return; // not an encrypted page: then the broker's presence decides
    }
    const told = setTimeout(() => this.#set(() => (this.#rival = "Another tab")), TOLD_MS);
    await new Promise<void>((granted) => {
      void navigator.locks.request(LOCK, () => {
        granted();
        return new Promise(() => undefined); // held until the page is closed
      });
    });
    clearTimeout(told);
    this.#set(() => (this.#rival = null));
  }

  /** Tell the house how we are. */
  #count(): void {
    const parts = {
      link: this.#link.counts,
      conversation: { ...this.#conductor.counts, ...this.#streams.counts },
      player: this.#player.counts,
    };
    const counts = Object.entries(parts).flatMap(([part, some]) =>
      Object.entries(some).map(([name, count]) => [`${part}.${name}`, count] as const),
    );
    // A closed microphone knows nothing of the room.
    const noiseDbfs = this.#microphone.isOpen ? Math.min(0, this.#ear.noiseDbfs) : SILENCE_DBFS;
    this.#house.tell({ type: "counters", counts: Object.fromEntries(counts), noise_dbfs: noiseDbfs });
  }

  /** A tablet that listens all the time must not fall asleep. */
  async #stayAwake(): Promise<void> {
    try {
      this.#awake = this.#listensAlways ? await navigator.wakeLock.request("screen") : null;
    } catch {
      this.#awake = null; // hidden, short of power, or a browser that cannot
    }
  }

  #set(change: () => void): void {
    change();
    this.onChange();
  }

  #linkChanged(state: LinkState, why: string): void {
    const before = this.#linkState;
    // While it tries again, what was wrong is the news.
    this.#linkState = state === "connecting" && before !== "connected" && this.#why !== "" ? before : state;
    this.#why = state === "connecting" ? this.#why : why;
    if (state === "refused") {
      this.#keys.refused();
    }
    if (state === "connected") {
      this.#keys.taken();
      this.#house.connected();
    } else if (before === "connected") {
      this.#house.disconnected();
    }
    this.onChange();
  }

  #heard(frame: PcmFrame): void {
    this.#conductor.hear(frame);
  }

  #stateChanged(): void {
    this.#watchIdle();
    this.onChange();
  }

  async #openMicrophone(): Promise<boolean> {
    try {
      await this.#microphone.open();
      this.#trouble = "";
    } catch (error) {
      this.#trouble = error instanceof MicrophoneError ? error.message : String(error);
      this.#house.tell({ type: "fault", code: "microphone", text: this.#trouble.slice(0, 500) });
      this.#conductor.endHere("source-ended");
    }
    this.#watchIdle();
    this.onChange();
    return this.#microphone.isOpen;
  }

  #microphoneChanged(): void {
    if (!this.#microphone.isOpen) {
      this.#ear.closed();
      this.#conductor.endHere("source-ended");
    }
    this.onChange();
  }

  /** Close the microphone once nobody has needed it for a while. */
  #watchIdle(): void {
    clearTimeout(this.#idle);
    if (!this.#listensAlways && !this.#conductor.recording) {
      this.#idle = setTimeout(() => this.#microphone.close(), MICROPHONE_IDLE_MS);
    }
  }
}
