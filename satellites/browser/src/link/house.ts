// The satellite's edge to the house: its topics, its presence, the hub's, and the hub's clock.

import { nowS, nowUs } from "../clock";
import {
  HUB_PRESENCE,
  OURS,
  EVERY_SATELLITE,
  PLAYBACK_AUDIO,
  SATELLITE_AUDIO,
  SATELLITE_DESIRED,
  SATELLITE_DID,
  SATELLITE_DO,
  SATELLITE_PRESENCE,
  SATELLITE_REPORTED,
  SATELLITE_WAKE,
} from "../protocol/generated";
import type {
  AlarmRang,
  AlarmStopped,
  AudioFrame,
  ButtonPressed,
  Counters,
  DesiredSettings,
  Fault,
  Farewell,
  Goodbye,
  Hello,
  ListenEnded,
  PlaybackReady,
  Played,
  SatelliteSettings,
  TimeAsked,
  WakeHeard,
  Welcome,
} from "../protocol/generated";
import type { Topic } from "../protocol/shape";
import { newId, pathOf } from "../protocol/topic";
import { encode } from "../protocol/codec";
import type { Will } from "./broker";
import { Claim } from "./claim";
import type { Link, Take } from "./link";
import { Offset } from "./offset";
import { ASKS, Pace } from "./pace";

const NOTHING_SET: SatelliteSettings = {
  room: null,
  phrases: null,
  threshold: null,
  while_playing: null,
  gain_db: null,
  gate_threshold: null,
  gate_hangover_s: null,
  codec: null,
};

type PayloadOf<T> = T extends Topic<infer M> ? M : never;
/** What the hub asks of us, time apart, which is the house's own affair. */
export type Command = Exclude<PayloadOf<typeof SATELLITE_DO>, { type: "time-told" }>;
export type Fact =
  | AlarmRang
  | AlarmStopped
  | ButtonPressed
  | Counters
  | Fault
  | ListenEnded
  | PlaybackReady
  | Played
  | TimeAsked;

/** Who we are. */
export interface Who {
  readonly satellite: string;
  readonly room: string;
  /** What tells a person which browser this is. */
  readonly host: string;
  readonly software: string;
}

export interface HouseHooks {
  readonly commanded: (command: Command) => void;
  /** Called with true when the hub can be talked to, with false when it cannot. */
  readonly hubChanged: (here: boolean) => void;
  /** Called with the satellite that has our id, or null when none has any more. */
  readonly rivalChanged: (rival: Hello | null) => void;
  /** Called with how much louder than other satellites this one shall be, dB. */
  readonly gainWanted: (gainDb: number) => void;
  /** Called when hub and we have no protocol version in common. */
  readonly incompatible: (theirs: Welcome) => void;
}

export class House {
  readonly instance = newId("tab");
  /** Whether the hub shall look for the wake phrase when a voice is heard. */
  listensAlways = false;
  readonly #who: Who;
  readonly #link: Link;
  readonly #hooks: HouseHooks;
  readonly #claim = new Claim(this.instance);
  readonly #pace: Pace;
  #offset = new Offset();
  #asked: number[] = [];
  #hub = "";
  #askTimer: ReturnType<typeof setTimeout> | undefined;
  #claimTimer: ReturnType<typeof setTimeout> | undefined;
  #welcome: Welcome | null = null;
  #hubHere = false;
  #set: DesiredSettings = { type: "desired-settings", version: 0, settings: NOTHING_SET };

  /** Take what it needs; `random` gives numbers from 0 to 1. */
  constructor(link: Link, who: Who, hooks: HouseHooks, random: () => number = Math.random) {
    this.#link = link;
    this.#pace = new Pace(random);
    this.#who = who;
    this.#hooks = hooks;
    const ours = { satellite: who.satellite };
    link.on(SATELLITE_DO, ours, (command) => this.#onCommand(command));
    link.on(SATELLITE_DESIRED, ours, (desired) => this.#onDesired(desired));
    link.on(HUB_PRESENCE, {}, (presence) => this.#onHub(presence));
    link.on(SATELLITE_PRESENCE, ours, (presence) => this.#onPresence(presence));
    link.on(SATELLITE_DID, ours, (_, retained) => {
      if (!retained) {
        this.#claim.signOfLife(nowS());
        this.#watchClaim();
      }
    });
  }

  /** What to add to our clock to read the hub's, microseconds; null: not known yet. */
  get hubOffsetUs(): number | null {
    return this.#offset.at(nowUs());
  }

  /** What the broker shall say for us when the connection breaks. */
  will(): Will {
    this.#claim.begin(Math.max(nowUs(), this.#claim.epoch + 1));
    return {
      topic: SATELLITE_PRESENCE,
      path: pathOf(SATELLITE_PRESENCE, { satellite: this.#who.satellite }),
      payload: encode(SATELLITE_PRESENCE, this.#goodbye("lost")),
    };
  }

  /** The link is up: see who is there, and say hello once the id is ours. */
  connected(): void {
    this.#claim.connected(nowS());
    this.#watchClaim();
  }

  /** The link is down. */
  disconnected(): void {
    this.#claim.lost();
    this.#watchClaim();
    this.#welcome = null;
    this.#judgeHub();
  }

  /** Say goodbye: the page is being closed. */
  leave(): void {
    if (this.#claim.mine) {
      this.#claim.lost(); // or the echo of our goodbye would make us say Hello again
      this.#link.post(SATELLITE_PRESENCE, { satellite: this.#who.satellite }, this.#goodbye("stopped"));
    }
  }

  /** Say anew what we can do. */
  introduce(): void {
    if (this.#claim.mine) {
      this.#sayHello();
    }
  }

  /** Say what we did. */
  tell(fact: Fact): void {
    if (this.#claim.mine) {
      this.#link.post(SATELLITE_DID, { satellite: this.#who.satellite }, fact);
    }
  }

  /** Say that somebody may have called. */
  call(heard: Omit<WakeHeard, "type" | "satellite">): void {
    const message: WakeHeard = { type: "wake-heard", satellite: this.#who.satellite, ...heard };
    this.#link.post(SATELLITE_WAKE, { satellite: this.#who.satellite }, message);
  }

  /** Send a frame of a stream. */
  stream(stream: string, frame: AudioFrame): void {
    this.#link.post(SATELLITE_AUDIO, { satellite: this.#who.satellite, stream }, frame);
  }

  /**
   * Follow a playback; resolves once its audio may be sent.
   *
   * @throws LinkDownError not connected.
   */
  async follow(playback: string, take: Take<AudioFrame>): Promise<() => void> {
    const groups = [this.#who.satellite, EVERY_SATELLITE]; // we play it alone, or with others
    const ends = await Promise.all(groups.map((group) => this.#link.follow(PLAYBACK_AUDIO, { group, playback }, take)));
    return () => ends.forEach((end) => end());
  }

  /** The hub's time is needed well: ask for it some times in a row, unless just done. */
  askTimeSoon(): void {
    if (this.#hubHere && this.#pace.need(nowS())) {
      this.#askIn(0);
    }
  }

  // -- presence -----------------------------------------------------------------------------------

  #goodbye(reason: Goodbye["reason"]): Goodbye {
    return { type: "goodbye", satellite: this.#who.satellite, epoch: this.#claim.epoch, reason };
  }

  #sayHello(): void {
    const format = { rate_hz: 16000, codec: "pcm" } as const;
    this.#link.post(SATELLITE_PRESENCE, { satellite: this.#who.satellite }, {
      type: "hello",
      ...this.#who,
      epoch: this.#claim.epoch,
      protocol: OURS,
      instance: this.instance,
      wake: this.listensAlways ? "hub" : "none",
      phrases: [],
      microphone: format,
      speaker: format,
    });
  }

  /** Take over what can be set of a page: its gain; the rest is this browser's affair. */
  #onDesired(desired: DesiredSettings): void {
    this.#set = desired;
    this.#hooks.gainWanted(desired.settings.gain_db ?? 0);
    this.#report();
  }

  #report(): void {
    if (!this.#claim.mine) {
      return;
    }
    const gainDb = this.#set.settings.gain_db ?? 0;
    this.#link.post(SATELLITE_REPORTED, { satellite: this.#who.satellite }, {
      type: "reported-settings",
      version: this.#set.version,
      settings: { ...NOTHING_SET, gain_db: gainDb },
      refused: 0,
      why: "",
      engines: [],
      known_phrases: [],
      restarts: false,
    });
  }

  #onPresence(presence: Hello | Goodbye): void {
    const before = this.#claim.rival;
    if (this.#claim.saw(presence, nowS())) {
      this.#sayHello();
    }
    if ((before === null) !== (this.#claim.rival === null)) {
      this.#hooks.rivalChanged(this.#claim.rival);
    }
    this.#watchClaim();
    this.#judgeHub();
  }

  #watchClaim(): void {
    clearTimeout(this.#claimTimer);
    const dueS = this.#claim.dueS;
    if (dueS !== null) {
      this.#claimTimer = setTimeout(() => this.#settle(), Math.max(0, dueS - nowS()) * 1000 + 1);
    }
  }

  #settle(): void {
    const hadRival = this.#claim.rival !== null;
    if (this.#claim.settle(nowS())) {
      this.#sayHello();
      this.#report();
      if (hadRival) {
        this.#hooks.rivalChanged(null);
      }
    }
    this.#watchClaim();
    this.#judgeHub();
  }

  // -- the hub ------------------------------------------------------------------------------------

  #onCommand(command: PayloadOf<typeof SATELLITE_DO>): void {
    if (!this.#claim.mine) {
      return;
    }
    if (command.type !== "time-told") {
      this.#hooks.commanded(command);
    } else if (this.#asked.includes(command.asked_us)) {
      this.#offset.add(command.asked_us, command.received_us, command.replied_us, nowUs());
    }
  }

  #onHub(presence: Welcome | Farewell): void {
    const known = this.#welcome;
    const other = known !== null && (known.hub !== presence.hub || known.epoch !== presence.epoch);
    if (presence.type === "farewell") {
      if (other) {
        return; // the will of a hub that another has followed, or of its last connection
      }
      this.#welcome = null;
    } else {
      if (other) {
        this.#welcome = null; // another hub, or one that was gone: it knows no turn of ours
        this.#judgeHub();
      }
      this.#welcome = speaks(presence) ? presence : null;
      if (this.#welcome === null) {
        this.#hooks.incompatible(presence);
      }
    }
    this.#judgeHub();
  }

  #judgeHub(): void {
    const here = this.#welcome !== null && this.#claim.mine;
    if (here !== this.#hubHere) {
      this.#hubHere = here;
      this.#judgeClock();
      this.#hooks.hubChanged(here);
    }
  }

  // -- the hub's clock ----------------------------------------------------------------------------

  /** A hub can be asked, at once if we know nothing of its clock; or nobody can. */
  #judgeClock(): void {
    clearTimeout(this.#askTimer);
    if (this.#welcome === null || !this.#hubHere) {
      return;
    }
    if (this.#welcome.hub !== this.#hub) {
      this.#hub = this.#welcome.hub;
      this.#offset = new Offset();
    }
    const waitS = this.#pace.firstS();
    this.#askIn(this.hubOffsetUs === null ? 0 : waitS);
  }

  #askIn(waitS: number): void {
    clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => this.#ask(), waitS * 1000);
  }

  #ask(): void {
    const askedUs = nowUs();
    this.#asked = [...this.#asked, askedUs].slice(-ASKS);
    this.tell({ type: "time-asked", asked_us: askedUs });
    this.#askIn(this.#pace.waitS(this.#offset.doubtAt(askedUs)));
  }
}

function speaks(hub: Welcome): boolean {
  const best = Math.min(OURS.newest, hub.protocol.newest);
  return best >= Math.max(OURS.oldest, hub.protocol.oldest);
}
