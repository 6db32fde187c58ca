// Generated from the Python messages by
//   python -m antiphon_protocol.typescript --write satellites/browser/src/protocol/generated.ts
// Edit those, and run it again.

import type { Shape, Topic } from "./shape";

export const ROOT = "antiphon/1";
export const EVERY_SATELLITE = "all";
export const OURS: VersionRange = { oldest: 1, newest: 1 };
export const SAMPLE_RATE_HZ = 16000;
export const FRAME_SAMPLES = 512;
export const STREAM_SECONDS_MAX = 60;
export const STAND_BY_SECONDS = 5;
export const PLAYBACK_SECONDS_MAX = 180;
export const MESSAGE_BYTES_MAX = 65536;

/** The majors that a program speaks, both ends included. */
export interface VersionRange {
  readonly oldest: number;
  readonly newest: number;
}

export const VERSION_RANGE_SHAPE: Shape<VersionRange> = {
  name: "VersionRange",
  array: true,
  whole: true,
  fields: [
    { name: "oldest", of: { kind: "integer" } },
    { name: "newest", of: { kind: "integer" } },
  ],
};

/** A PCM format: signed 16-bit little-endian mono at a rate in hertz. */
export interface AudioFormat {
  readonly rate_hz: number;
  readonly codec: "pcm";
}

export const AUDIO_FORMAT_SHAPE: Shape<AudioFormat> = {
  name: "AudioFormat",
  whole: true,
  fields: [
    { name: "rate_hz", of: { kind: "integer", min: 8000, max: 48000 }, default: 16000 },
    { name: "codec", of: { kind: "choice", of: ["pcm"] }, default: "pcm" },
  ],
};

/** A satellite is here. */
export interface Hello {
  readonly type: "hello";
  readonly satellite: string;
  readonly epoch: number;
  /** The room's name as people say it: `living room`. */
  readonly room: string;
  readonly protocol: VersionRange;
  /** Version of the satellite program. */
  readonly software: string;
  /** Host name, to tell apart two satellites that were given one id. */
  readonly host: string;
  /** Random per process, for the same purpose. */
  readonly instance: string;
  /** Where the wake word is recognised; `none`: only by button. */
  readonly wake: "hub" | "local" | "none";
  /** Wake phrases that it listens for. */
  readonly phrases: readonly string[];
  readonly microphone: AudioFormat;
  /** What it plays; None when it has no speaker. */
  readonly speaker: AudioFormat | null;
}

export const HELLO_SHAPE: Shape<Hello> = {
  name: "Hello",
  tag: "hello",
  fields: [
    { name: "satellite", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "epoch", of: { kind: "integer", min: 0 } },
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "protocol", of: { kind: "record", of: VERSION_RANGE_SHAPE } },
    { name: "software", of: { kind: "string", max: 100 } },
    { name: "host", of: { kind: "string", max: 100 } },
    { name: "instance", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "wake", of: { kind: "choice", of: ["hub", "local", "none"] }, default: "none" },
    { name: "phrases", of: { kind: "list", of: { kind: "string", max: 100 }, max: 256 }, default: [] },
    { name: "microphone", of: { kind: "record", of: AUDIO_FORMAT_SHAPE }, default: {"rate_hz": 16000, "codec": "pcm"} },
    { name: "speaker", of: { kind: "nullable", of: { kind: "record", of: AUDIO_FORMAT_SHAPE } }, default: null },
  ],
};

/** A satellite is gone; as a will, the broker says so. */
export interface Goodbye {
  readonly type: "goodbye";
  readonly satellite: string;
  readonly epoch: number;
  readonly reason: "lost" | "stopped";
}

export const GOODBYE_SHAPE: Shape<Goodbye> = {
  name: "Goodbye",
  tag: "goodbye",
  fields: [
    { name: "satellite", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "epoch", of: { kind: "integer", min: 0 } },
    { name: "reason", of: { kind: "choice", of: ["lost", "stopped"] } },
  ],
};

/** A satellite heard a call; the stream it names has begun, pre-roll first. */
export interface WakeHeard {
  readonly type: "wake-heard";
  readonly satellite: string;
  readonly stream: string;
  /**
   * `phrase`: its wake engine fired. `button`: pushed to talk. `voice`: it has no wake engine, its voice-activity gate opened, and the hub is asked to look for the wake phrase.
   */
  readonly cause: "button" | "phrase" | "voice";
  /** Satellite's clock. */
  readonly heard_at_us: number;
  /** The same moment on the hub's clock, as the satellite knows it by `TimeTold`; 0: not yet. */
  readonly heard_on_hub_us: number;
  /** Which wake phrase, as spoken: `hey mycroft`; empty without one. */
  readonly phrase: string;
  readonly engine: string;
  readonly confidence: number;
  /** Level of the call. */
  readonly level_dbfs: number;
  /** The satellite's own noise floor before it. */
  readonly noise_dbfs: number;
  /** Where in the stream the wake phrase may begin; what lies before it is earlier talk. */
  readonly begin: number;
  /** Where in the stream the wake engine fired; 0 for a button. */
  readonly end: number;
}

export const WAKE_HEARD_SHAPE: Shape<WakeHeard> = {
  name: "WakeHeard",
  tag: "wake-heard",
  fields: [
    { name: "satellite", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "stream", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "cause", of: { kind: "choice", of: ["button", "phrase", "voice"] } },
    { name: "heard_at_us", of: { kind: "integer", min: 0 } },
    { name: "heard_on_hub_us", of: { kind: "integer", min: 0 }, default: 0 },
    { name: "phrase", of: { kind: "string", max: 100 }, default: "" },
    { name: "engine", of: { kind: "string", max: 100 }, default: "" },
    { name: "confidence", of: { kind: "number", min: 0, max: 1 }, default: 1 },
    { name: "level_dbfs", of: { kind: "number", min: -200, max: 0 }, default: -200 },
    { name: "noise_dbfs", of: { kind: "number", min: -200, max: 0 }, default: -200 },
    { name: "begin", of: { kind: "integer", min: 0, max: 1099511627775 }, default: 0 },
    { name: "end", of: { kind: "integer", min: 0, max: 1099511627775 }, default: 0 },
  ],
};

/**
 * Some consecutive samples of one stream, up or down.
 *
 * Frames are numbered from 0 without gaps, so that a receiver can order them, see a loss and ask
 * again. `position` makes audio time independent of arrival and of frame sizes.
 */
export interface AudioFrame {
  /** Number of the frame in its stream, from 0. */
  readonly sequence: number;
  /** Samples of the stream before this frame. */
  readonly position: number;
  /** Microseconds. Up: capture time of the first sample, sender's clock. Down: 0 (see `Play`). */
  readonly at_us: number;
  /** Signed 16-bit little-endian mono samples; empty only in a last frame. */
  readonly pcm: Uint8Array;
  /** The stream ends with this frame. */
  readonly last: boolean;
}

export const AUDIO_FRAME_SHAPE: Shape<AudioFrame> = {
  name: "AudioFrame",
  array: true,
  whole: true,
  fields: [
    { name: "sequence", of: { kind: "integer", min: 0, max: 4294967295 } },
    { name: "position", of: { kind: "integer", min: 0, max: 1099511627775 } },
    { name: "at_us", of: { kind: "integer", min: 0 } },
    { name: "pcm", of: { kind: "bytes", max: 8192 } },
    { name: "last", of: { kind: "boolean" }, default: false },
  ],
};

/**
 * The same as Opus packets (RFC 6716), mono, to be decoded at 16 kHz in the stream's order.
 *
 * Of what a decoder makes of the packets, `skip` samples are left out, and the next `samples`
 * are the frame's; more than that is padding.
 */
export interface OpusFrame {
  /** See AudioFrame. */
  readonly sequence: number;
  /** See AudioFrame. */
  readonly position: number;
  /** See AudioFrame. */
  readonly at_us: number;
  /** Each complete, in their order; none only in a last frame. */
  readonly packets: readonly Uint8Array[];
  /**
   * Decoded samples that come before the frame's: in a stream's first frame the encoder's delay, else 0.
   */
  readonly skip: number;
  /** How many samples the frame holds. */
  readonly samples: number;
  /** The stream ends with this frame. */
  readonly last: boolean;
}

export const OPUS_FRAME_SHAPE: Shape<OpusFrame> = {
  name: "OpusFrame",
  array: true,
  whole: true,
  fields: [
    { name: "sequence", of: { kind: "integer", min: 0, max: 4294967295 } },
    { name: "position", of: { kind: "integer", min: 0, max: 1099511627775 } },
    { name: "at_us", of: { kind: "integer", min: 0 } },
    { name: "packets", of: { kind: "list", of: { kind: "bytes", max: 1275 }, max: 16 } },
    { name: "skip", of: { kind: "integer", min: 0, max: 2000 } },
    { name: "samples", of: { kind: "integer", min: 0, max: 8192 } },
    { name: "last", of: { kind: "boolean" }, default: false },
  ],
};

/**
 * The hub takes the call: go on streaming, and be ready for the reply.
 *
 * With a `stream` that runs it confirms that stream; with a new one it opens the microphone
 * (a follow-up question).
 */
export interface Listen {
  readonly type: "listen";
  readonly turn: string;
  readonly stream: string;
  /** The reply will come on this playback: subscribe now, while the person still speaks. */
  readonly playback: string;
  /** The satellite ends the stream after this much audio by itself. */
  readonly limit_s: number;
}

export const LISTEN_SHAPE: Shape<Listen> = {
  name: "Listen",
  tag: "listen",
  fields: [
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "stream", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "playback", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "limit_s", of: { kind: "number", min: 0, max: 86400 } },
  ],
};

/**
 * End the stream: the person has finished, or was not talking to us.
 *
 * With `lost-arbitration` another satellite answers this call: stay silent and send nothing more,
 * but keep recording the stream for some seconds (`STAND_BY_SECONDS`). A `Listen` for it in that
 * time takes the call over: send what was kept, and go on.
 */
export interface StopListening {
  readonly type: "stop-listening";
  readonly stream: string;
  readonly reason: "cancelled" | "failed" | "lost-arbitration" | "no-wake" | "speech-ended";
}

export const STOP_LISTENING_SHAPE: Shape<StopListening> = {
  name: "StopListening",
  tag: "stop-listening",
  fields: [
    { name: "stream", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "reason", of: { kind: "choice", of: ["cancelled", "failed", "lost-arbitration", "no-wake", "speech-ended"] } },
  ],
};

/** Publish these frames of the stream again, both ends included, as far as they are kept. */
export interface Resend {
  readonly type: "resend";
  readonly stream: string;
  readonly first: number;
  readonly last: number;
}

export const RESEND_SHAPE: Shape<Resend> = {
  name: "Resend",
  tag: "resend",
  fields: [
    { name: "stream", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "first", of: { kind: "integer", min: 0, max: 4294967295 } },
    { name: "last", of: { kind: "integer", min: 0, max: 4294967295 } },
  ],
};

/** The hub has heard the stream: its audio need not be kept any longer. */
export interface Release {
  readonly type: "release";
  readonly stream: string;
}

export const RELEASE_SHAPE: Shape<Release> = {
  name: "Release",
  tag: "release",
  fields: [
    { name: "stream", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
  ],
};

/**
 * Audio will come on `down/<own id or all>/<playback>`: follow both, say PlaybackReady, play.
 *
 * With `at_us` several satellites play as one: sample n sounds at `at_us` + n / rate. Sent again
 * before that time it moves it, thus the first one names the latest time, and the second one the
 * true one, once there is audio. Who is late leaves out what the others have played.
 */
export interface Play {
  readonly type: "play";
  readonly playback: string;
  readonly kind: "alarm" | "announcement" | "chime" | "music" | "reply";
  readonly format: AudioFormat;
  readonly turn: string;
  readonly gain_db: number;
  /** When the first sample shall sound, hub's clock; 0: as soon as there is audio. */
  readonly at_us: number;
}

export const PLAY_SHAPE: Shape<Play> = {
  name: "Play",
  tag: "play",
  fields: [
    { name: "playback", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "kind", of: { kind: "choice", of: ["alarm", "announcement", "chime", "music", "reply"] } },
    { name: "format", of: { kind: "record", of: AUDIO_FORMAT_SHAPE } },
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" }, default: "" },
    { name: "gain_db", of: { kind: "number", min: -60, max: 12 }, default: 0 },
    { name: "at_us", of: { kind: "integer", min: 0 }, default: 0 },
  ],
};

/** Stop that playback at once and forget what is left of it. */
export interface StopPlaying {
  readonly type: "stop-playing";
  readonly playback: string;
}

export const STOP_PLAYING_SHAPE: Shape<StopPlaying> = {
  name: "StopPlaying",
  tag: "stop-playing",
  fields: [
    { name: "playback", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
  ],
};

/** What the turn is doing, for the satellite's light and cues. */
export interface ShowTurn {
  readonly type: "show-turn";
  readonly turn: string;
  readonly state: "answered" | "cancelled" | "failed" | "thinking";
  /** Play this built-in sound; sent when no spoken reply will tell the person. */
  readonly cue: "back" | "failed" | "heard" | "listening" | "not-understood" | "notice" | "unreachable" | null;
}

export const SHOW_TURN_SHAPE: Shape<ShowTurn> = {
  name: "ShowTurn",
  tag: "show-turn",
  fields: [
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "state", of: { kind: "choice", of: ["answered", "cancelled", "failed", "thinking"] } },
    { name: "cue", of: { kind: "nullable", of: { kind: "choice", of: ["back", "failed", "heard", "listening", "not-understood", "notice", "unreachable"] } }, default: null },
  ],
};

/** Sound a cue, unless something sounds already. */
export interface Chime {
  readonly type: "chime";
  readonly cue: "back" | "failed" | "heard" | "listening" | "not-understood" | "notice" | "unreachable";
}

export const CHIME_SHAPE: Shape<Chime> = {
  name: "Chime",
  tag: "chime",
  fields: [
    { name: "cue", of: { kind: "choice", of: ["back", "failed", "heard", "listening", "not-understood", "notice", "unreachable"] } },
  ],
};

/** Play everything at this volume from now on, cues and what sounds now included. */
export interface SetVolume {
  readonly type: "set-volume";
  /** On top of the satellite's own setting. */
  readonly gain_db: number;
}

export const SET_VOLUME_SHAPE: Shape<SetVolume> = {
  name: "SetVolume",
  tag: "set-volume",
  fields: [
    { name: "gain_db", of: { kind: "number", min: -60, max: 12 } },
  ],
};

/** Play music quieter, for as long as the lease lasts; a lease of 0 s ends it. */
export interface Duck {
  readonly type: "duck";
  readonly level_db: number;
  readonly lease_s: number;
}

export const DUCK_SHAPE: Shape<Duck> = {
  name: "Duck",
  tag: "duck",
  fields: [
    { name: "level_db", of: { kind: "number", min: -60, max: 0 } },
    { name: "lease_s", of: { kind: "number", min: 0, max: 86400 } },
  ],
};

/** Blink and beep, so that a person finds you. */
export interface Identify {
  readonly type: "identify";
}

export const IDENTIFY_SHAPE: Shape<Identify> = {
  name: "Identify",
  tag: "identify",
  fields: [
  ],
};

/** Publish `wake-scores` for as long as the lease lasts; a lease of 0 s ends it. */
export interface ShowScores {
  readonly type: "show-scores";
  readonly lease_s: number;
}

export const SHOW_SCORES_SHAPE: Shape<ShowScores> = {
  name: "ShowScores",
  tag: "show-scores",
  fields: [
    { name: "lease_s", of: { kind: "number", min: 0, max: 60 } },
  ],
};

/** Say goodbye and start the program anew. */
export interface Restart {
  readonly type: "restart";
}

export const RESTART_SHAPE: Shape<Restart> = {
  name: "Restart",
  tag: "restart",
  fields: [
  ],
};

/** Something that a satellite is to ring for. */
export interface Alarm {
  /** Id of the timer, alarm or reminder. */
  readonly alarm: string;
  readonly kind: "alarm" | "reminder" | "timer";
  /** When to ring, hub's clock; with the id it names this one ringing. */
  readonly due_us: number;
  /** How long to ring when nobody stops it. */
  readonly ring_s: number;
  readonly name: string;
}

export const ALARM_SHAPE: Shape<Alarm> = {
  name: "Alarm",
  fields: [
    { name: "alarm", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "kind", of: { kind: "choice", of: ["alarm", "reminder", "timer"] } },
    { name: "due_us", of: { kind: "integer", min: 0 } },
    { name: "ring_s", of: { kind: "number", min: 0, max: 86400 } },
    { name: "name", of: { kind: "string", max: 100 }, default: "" },
  ],
};

/** Ring for these, with or without the hub, and for no others; replaces what was set before. */
export interface SetAlarms {
  readonly type: "set-alarms";
  /** The hub's clock as it says this: only differences to it matter, whatever our clock shows. */
  readonly told_us: number;
  readonly alarms: readonly Alarm[];
}

export const SET_ALARMS_SHAPE: Shape<SetAlarms> = {
  name: "SetAlarms",
  tag: "set-alarms",
  fields: [
    { name: "told_us", of: { kind: "integer", min: 0 } },
    { name: "alarms", of: { kind: "list", of: { kind: "record", of: ALARM_SHAPE }, max: 64 }, default: [] },
  ],
};

/** The hub's answer to TimeAsked. */
export interface TimeTold {
  readonly type: "time-told";
  /** Copied from the question; satellite's clock. */
  readonly asked_us: number;
  /** Hub's clock. */
  readonly received_us: number;
  /** Hub's clock. */
  readonly replied_us: number;
}

export const TIME_TOLD_SHAPE: Shape<TimeTold> = {
  name: "TimeTold",
  tag: "time-told",
  fields: [
    { name: "asked_us", of: { kind: "integer", min: 0 } },
    { name: "received_us", of: { kind: "integer", min: 0 } },
    { name: "replied_us", of: { kind: "integer", min: 0 } },
  ],
};

/** The stream is over. */
export interface ListenEnded {
  readonly type: "listen-ended";
  readonly stream: string;
  /** How many frames it had, so that a missing tail is seen. */
  readonly frames: number;
  /** Why; `no-hub`: nobody took the call in time. */
  readonly reason: "asked" | "limit" | "muted" | "no-hub" | "source-ended" | "voice-ended";
}

export const LISTEN_ENDED_SHAPE: Shape<ListenEnded> = {
  name: "ListenEnded",
  tag: "listen-ended",
  fields: [
    { name: "stream", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "frames", of: { kind: "integer", min: 0, max: 4294967295 } },
    { name: "reason", of: { kind: "choice", of: ["asked", "limit", "muted", "no-hub", "source-ended", "voice-ended"] } },
  ],
};

/** The satellite has subscribed to the playback's topic: audio may be sent. */
export interface PlaybackReady {
  readonly type: "playback-ready";
  readonly playback: string;
}

export const PLAYBACK_READY_SHAPE: Shape<PlaybackReady> = {
  name: "PlaybackReady",
  tag: "playback-ready",
  fields: [
    { name: "playback", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
  ],
};

/** The playback is over, said at its real last sample. */
export interface Played {
  readonly type: "played";
  readonly playback: string;
  readonly samples: number;
  /** False: it was stopped, or audio was missing. */
  readonly complete: boolean;
  /** When the first sample left for the speaker, satellite's clock; 0 if none did. */
  readonly first_at_us: number;
  /** How often the speaker ran dry. */
  readonly underruns: number;
}

export const PLAYED_SHAPE: Shape<Played> = {
  name: "Played",
  tag: "played",
  fields: [
    { name: "playback", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "samples", of: { kind: "integer", min: 0, max: 1099511627775 } },
    { name: "complete", of: { kind: "boolean" } },
    { name: "first_at_us", of: { kind: "integer", min: 0 }, default: 0 },
    { name: "underruns", of: { kind: "integer", min: 0 }, default: 0 },
  ],
};

/** It rings now; said again when the hub comes back meanwhile. */
export interface AlarmRang {
  readonly type: "alarm-rang";
  readonly alarm: string;
  /** Copied from the alarm. */
  readonly due_us: number;
}

export const ALARM_RANG_SHAPE: Shape<AlarmRang> = {
  name: "AlarmRang",
  tag: "alarm-rang",
  fields: [
    { name: "alarm", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "due_us", of: { kind: "integer", min: 0 } },
  ],
};

/** It has rung, and rings no more; said again when the hub comes back and still sets it. */
export interface AlarmStopped {
  readonly type: "alarm-stopped";
  readonly alarm: string;
  /** Copied from the alarm. */
  readonly due_us: number;
  /** `voice`: by the wake word alone, for the hub was away. `limit`: nobody stopped it. */
  readonly by: "button" | "hub" | "limit" | "voice";
}

export const ALARM_STOPPED_SHAPE: Shape<AlarmStopped> = {
  name: "AlarmStopped",
  tag: "alarm-stopped",
  fields: [
    { name: "alarm", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "due_us", of: { kind: "integer", min: 0 } },
    { name: "by", of: { kind: "choice", of: ["button", "hub", "limit", "voice"] } },
  ],
};

/** A person pressed the button. */
export interface ButtonPressed {
  readonly type: "button-pressed";
  readonly gesture: "double" | "long" | "single";
}

export const BUTTON_PRESSED_SHAPE: Shape<ButtonPressed> = {
  name: "ButtonPressed",
  tag: "button-pressed",
  fields: [
    { name: "gesture", of: { kind: "choice", of: ["double", "long", "single"] } },
  ],
};

/** The microphone was muted or opened. */
export interface Muted {
  readonly type: "muted";
  readonly muted: boolean;
  /** By a switch in the wire; the satellite cannot undo it. */
  readonly hard: boolean;
}

export const MUTED_SHAPE: Shape<Muted> = {
  name: "Muted",
  tag: "muted",
  fields: [
    { name: "muted", of: { kind: "boolean" } },
    { name: "hard", of: { kind: "boolean" } },
  ],
};

/** Something of the satellite does not work. */
export interface Fault {
  readonly type: "fault";
  readonly code: string;
  readonly text: string;
}

export const FAULT_SHAPE: Shape<Fault> = {
  name: "Fault",
  tag: "fault",
  fields: [
    { name: "code", of: { kind: "string", max: 100 } },
    { name: "text", of: { kind: "string", max: 2000 } },
  ],
};

/** Health, every half minute: dropped frames, underruns, reconnects, decode errors. */
export interface Counters {
  readonly type: "counters";
  readonly counts: Readonly<Record<string, number>>;
  readonly noise_dbfs: number;
}

export const COUNTERS_SHAPE: Shape<Counters> = {
  name: "Counters",
  tag: "counters",
  fields: [
    { name: "counts", of: { kind: "map", of: { kind: "integer", min: 0 }, max: 256 } },
    { name: "noise_dbfs", of: { kind: "number", min: -200, max: 0 }, default: -200 },
  ],
};

/** A satellite asks the hub's clock (see `clock`). */
export interface TimeAsked {
  readonly type: "time-asked";
  readonly asked_us: number;
}

export const TIME_ASKED_SHAPE: Shape<TimeAsked> = {
  name: "TimeAsked",
  tag: "time-asked",
  fields: [
    { name: "asked_us", of: { kind: "integer", min: 0 } },
  ],
};

/**
 * What can be set of a satellite over the wire; nil: as its own settings file has it.
 *
 * In `reported-settings` all that counts there; nil: this satellite has no such thing.
 */
export interface SatelliteSettings {
  readonly room: string | null;
  /** Wake phrases; not empty. */
  readonly phrases: readonly string[] | null;
  /** Score from which a phrase counts; nil where each engine has its own. */
  readonly threshold: number | null;
  /** Listen for the wake phrase while a reply sounds. */
  readonly while_playing: boolean | null;
  /** Louder or quieter than other satellites, dB. */
  readonly gain_db: number | null;
  /** Speech probability that opens the gate of a satellite without a wake engine. */
  readonly gate_threshold: number | null;
  /** Quiet that closes it, seconds. */
  readonly gate_hangover_s: number | null;
  /** How its microphone's audio travels where the house can take it: `pcm`, `opus`. */
  readonly codec: string | null;
}

export const SATELLITE_SETTINGS_SHAPE: Shape<SatelliteSettings> = {
  name: "SatelliteSettings",
  fields: [
    { name: "room", of: { kind: "nullable", of: { kind: "string", max: 100 } }, default: null },
    { name: "phrases", of: { kind: "nullable", of: { kind: "list", of: { kind: "string", max: 100 }, max: 16 } }, default: null },
    { name: "threshold", of: { kind: "nullable", of: { kind: "number", min: 0.01, max: 1 } }, default: null },
    { name: "while_playing", of: { kind: "nullable", of: { kind: "boolean" } }, default: null },
    { name: "gain_db", of: { kind: "nullable", of: { kind: "number", min: -60, max: 12 } }, default: null },
    { name: "gate_threshold", of: { kind: "nullable", of: { kind: "number", min: 0.01, max: 1 } }, default: null },
    { name: "gate_hangover_s", of: { kind: "nullable", of: { kind: "number", min: 0.2, max: 10 } }, default: null },
    { name: "codec", of: { kind: "nullable", of: { kind: "string", max: 100 } }, default: null },
  ],
};

/** What the hub wants; takes the place of all that it wanted before. */
export interface DesiredSettings {
  readonly type: "desired-settings";
  readonly version: number;
  readonly settings: SatelliteSettings;
}

export const DESIRED_SETTINGS_SHAPE: Shape<DesiredSettings> = {
  name: "DesiredSettings",
  tag: "desired-settings",
  fields: [
    { name: "version", of: { kind: "integer", min: 0 } },
    { name: "settings", of: { kind: "record", of: SATELLITE_SETTINGS_SHAPE }, default: {} },
  ],
};

/** What counts at a satellite; said when it joins, and behind each `desired-settings`. */
export interface ReportedSettings {
  readonly type: "reported-settings";
  /** The version that counts. */
  readonly version: number;
  readonly settings: SatelliteSettings;
  /** The version that was not taken over, if that was the last one; nothing of it counts. */
  readonly refused: number;
  /** Why it was refused, for a person. */
  readonly why: string;
  /** Wake engines that listen there. */
  readonly engines: readonly string[];
  /** Wake phrases that all of them know. */
  readonly known_phrases: readonly string[];
  /** It takes `restart`. */
  readonly restarts: boolean;
}

export const REPORTED_SETTINGS_SHAPE: Shape<ReportedSettings> = {
  name: "ReportedSettings",
  tag: "reported-settings",
  fields: [
    { name: "version", of: { kind: "integer", min: 0 } },
    { name: "settings", of: { kind: "record", of: SATELLITE_SETTINGS_SHAPE } },
    { name: "refused", of: { kind: "integer", min: 0 }, default: 0 },
    { name: "why", of: { kind: "string", max: 2000 }, default: "" },
    { name: "engines", of: { kind: "list", of: { kind: "string", max: 100 }, max: 16 }, default: [] },
    { name: "known_phrases", of: { kind: "list", of: { kind: "string", max: 100 }, max: 256 }, default: [] },
    { name: "restarts", of: { kind: "boolean" }, default: false },
  ],
};

/** How sure one engine was of one phrase, at most, since the message before. */
export interface PhraseScore {
  readonly engine: string;
  readonly phrase: string;
  readonly score: number;
  /** From which it would have called. */
  readonly threshold: number;
}

export const PHRASE_SCORE_SHAPE: Shape<PhraseScore> = {
  name: "PhraseScore",
  fields: [
    { name: "engine", of: { kind: "string", max: 100 } },
    { name: "phrase", of: { kind: "string", max: 100 } },
    { name: "score", of: { kind: "number", min: 0, max: 1 } },
    { name: "threshold", of: { kind: "number", min: 0, max: 1 } },
  ],
};

/** What a satellite's wake engines make of what they hear; at most five in a second. */
export interface WakeScores {
  readonly type: "wake-scores";
  /** The loudest frame since the message before. */
  readonly level_dbfs: number;
  /** Empty while the engines rest: a stream runs. */
  readonly scores: readonly PhraseScore[];
}

export const WAKE_SCORES_SHAPE: Shape<WakeScores> = {
  name: "WakeScores",
  tag: "wake-scores",
  fields: [
    { name: "level_dbfs", of: { kind: "number", min: -200, max: 0 } },
    { name: "scores", of: { kind: "list", of: { kind: "record", of: PHRASE_SCORE_SHAPE }, max: 256 }, default: [] },
  ],
};

/** One engine of a worker, and what it can do. */
export interface EngineOffer {
  readonly kind: "stt" | "tts" | "vad" | "wake";
  readonly name: string;
  readonly languages: readonly string[];
  /** TTS: voices by name. Wake: phrases. */
  readonly voices: readonly string[];
  /** STT: takes audio while the person speaks and gives partials. */
  readonly streaming: boolean;
  /** STT: takes a closed grammar. */
  readonly grammar: boolean;
  /** STT: hears open text. */
  readonly dictation: boolean;
}

export const ENGINE_OFFER_SHAPE: Shape<EngineOffer> = {
  name: "EngineOffer",
  fields: [
    { name: "kind", of: { kind: "choice", of: ["stt", "tts", "vad", "wake"] } },
    { name: "name", of: { kind: "string", max: 100 } },
    { name: "languages", of: { kind: "list", of: { kind: "string", max: 100 }, max: 256 }, default: [] },
    { name: "voices", of: { kind: "list", of: { kind: "string", max: 100 }, max: 256 }, default: [] },
    { name: "streaming", of: { kind: "boolean" }, default: false },
    { name: "grammar", of: { kind: "boolean" }, default: false },
    { name: "dictation", of: { kind: "boolean" }, default: false },
  ],
};

/** A worker is here with these engines. */
export interface WorkerHello {
  readonly type: "worker-hello";
  readonly worker: string;
  readonly epoch: number;
  readonly protocol: VersionRange;
  readonly software: string;
  readonly host: string;
  /** Its process id on that host. */
  readonly process: number;
  /** What computes: `cpu`, `cuda:0`. */
  readonly device: string;
  /** Jobs that it runs at a time. */
  readonly capacity: number;
  readonly engines: readonly EngineOffer[];
  /** Codecs besides PCM that it can take: `opus`. */
  readonly codecs: readonly string[];
}

export const WORKER_HELLO_SHAPE: Shape<WorkerHello> = {
  name: "WorkerHello",
  tag: "worker-hello",
  fields: [
    { name: "worker", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "epoch", of: { kind: "integer", min: 0 } },
    { name: "protocol", of: { kind: "record", of: VERSION_RANGE_SHAPE } },
    { name: "software", of: { kind: "string", max: 100 } },
    { name: "host", of: { kind: "string", max: 100 } },
    { name: "process", of: { kind: "integer", min: 0 } },
    { name: "device", of: { kind: "string", max: 100 } },
    { name: "capacity", of: { kind: "integer", min: 1, max: 1024 } },
    { name: "engines", of: { kind: "list", of: { kind: "record", of: ENGINE_OFFER_SHAPE }, max: 256 } },
    { name: "codecs", of: { kind: "list", of: { kind: "string", max: 100 }, max: 256 }, default: [] },
  ],
};

/** A worker is gone; as a will, the broker says so. */
export interface WorkerGoodbye {
  readonly type: "worker-goodbye";
  readonly worker: string;
  readonly epoch: number;
  readonly reason: "lost" | "stopped";
}

export const WORKER_GOODBYE_SHAPE: Shape<WorkerGoodbye> = {
  name: "WorkerGoodbye",
  tag: "worker-goodbye",
  fields: [
    { name: "worker", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "epoch", of: { kind: "integer", min: 0 } },
    { name: "reason", of: { kind: "choice", of: ["lost", "stopped"] } },
  ],
};

/** What may be said here: loaded before the jobs that name it, kept until replaced. */
export interface LoadContext {
  readonly type: "load-context";
  /** Names the content (a digest): the same name is the same grammar. */
  readonly context: string;
  readonly language: string;
  /** JSGF 1.0 text with one public rule; lower-case words, numbers in words. */
  readonly grammar: string;
  /** Word to ARPAbet phones (`L AY T`), for names that no dictionary has. */
  readonly pronunciations: Readonly<Record<string, string>>;
}

export const LOAD_CONTEXT_SHAPE: Shape<LoadContext> = {
  name: "LoadContext",
  tag: "load-context",
  fields: [
    { name: "context", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "language", of: { kind: "string", max: 35, pattern: "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$" } },
    { name: "grammar", of: { kind: "string", max: 4194304 } },
    { name: "pronunciations", of: { kind: "map", of: { kind: "string", max: 100 }, max: 4096 }, default: {} },
  ],
};

/** When a command counts as ended; all in audio time. */
export interface Endpointing {
  /** Silence that ends speech of which the grammar knows nothing. */
  readonly silence_s: number;
  /** The same when the sentence is complete, and no sentence goes on from it. */
  readonly complete_silence_s: number;
  /** The same when the sentence is complete, yet could go on. */
  readonly may_go_on_silence_s: number;
  /** The same when the grammar expects more words: the person looks for a name. */
  readonly unfinished_silence_s: number;
  /** Nothing said at all after the wake phrase. */
  readonly no_speech_s: number;
  /** The hard limit. */
  readonly limit_s: number;
  /** What is awaited: answers are short, and end sooner. */
  readonly expect: "answer" | "command" | "yes-no";
}

export const ENDPOINTING_SHAPE: Shape<Endpointing> = {
  name: "Endpointing",
  fields: [
    { name: "silence_s", of: { kind: "number", min: 0, max: 86400 }, default: 0.7 },
    { name: "complete_silence_s", of: { kind: "number", min: 0, max: 86400 }, default: 0.25 },
    { name: "may_go_on_silence_s", of: { kind: "number", min: 0, max: 86400 }, default: 0.3 },
    { name: "unfinished_silence_s", of: { kind: "number", min: 0, max: 86400 }, default: 1.5 },
    { name: "no_speech_s", of: { kind: "number", min: 0, max: 86400 }, default: 5 },
    { name: "limit_s", of: { kind: "number", min: 0, max: 86400 }, default: 15 },
    { name: "expect", of: { kind: "choice", of: ["answer", "command", "yes-no"] }, default: "command" },
  ],
};

/** Look for the wake phrase first: the satellite could not, or a second opinion is wanted. */
export interface WakeCheck {
  readonly phrases: readonly string[];
  /** Score at which it counts; None for the engine's own. */
  readonly threshold: number | null;
  /**
   * The satellite's engine, which has heard it: the worker's others are asked, as far as it has any; empty: all are.
   */
  readonly heard_by: string;
  /** Give up when it was not heard in this much audio. */
  readonly within_s: number;
  /** A call of the phrase that is like the household's own counts too; empty: none are known. */
  readonly household: Uint8Array;
}

export const WAKE_CHECK_SHAPE: Shape<WakeCheck> = {
  name: "WakeCheck",
  fields: [
    { name: "phrases", of: { kind: "list", of: { kind: "string", max: 100 }, max: 16 } },
    { name: "threshold", of: { kind: "nullable", of: { kind: "number", min: 0, max: 1 } }, default: null },
    { name: "heard_by", of: { kind: "string", max: 100 }, default: "" },
    { name: "within_s", of: { kind: "number", min: 0, max: 86400 }, default: 5 },
    { name: "household", of: { kind: "bytes", max: 8192 }, default: "" },
  ],
};

/** Read that satellite's stream from the broker and hear what is said. */
export interface Transcribe {
  readonly type: "transcribe";
  readonly job: string;
  readonly turn: string;
  readonly satellite: string;
  readonly stream: string;
  readonly language: string;
  /** STT engine by name; empty: the worker's first. */
  readonly engine: string;
  /** The closed grammar to hear against; None for open dictation only. */
  readonly context: string | null;
  /** Hear from this position of the stream on. */
  readonly begin: number;
  /** This may stand before the command in the audio, and is not part of it. */
  readonly wake_phrase: string;
  /**
   * Where in the stream the wake engine fired (`WakeHeard.end`): voice up to there is the wake phrase, not yet the command; 0: not known, or no phrase.
   */
  readonly wake_end: number;
  /**
   * How loud the person was in the call, where that is known (`WakeHeard.level_dbfs`); what is far quieter is not the person. -200: not known.
   */
  readonly level_dbfs: number;
  readonly wake: WakeCheck | null;
  readonly endpointing: Endpointing;
}

export const TRANSCRIBE_SHAPE: Shape<Transcribe> = {
  name: "Transcribe",
  tag: "transcribe",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "satellite", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "stream", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "language", of: { kind: "string", max: 35, pattern: "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$" }, default: "en" },
    { name: "engine", of: { kind: "string", max: 100 }, default: "" },
    { name: "context", of: { kind: "nullable", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } }, default: null },
    { name: "begin", of: { kind: "integer", min: 0, max: 1099511627775 }, default: 0 },
    { name: "wake_phrase", of: { kind: "string", max: 100 }, default: "" },
    { name: "wake_end", of: { kind: "integer", min: 0, max: 1099511627775 }, default: 0 },
    { name: "level_dbfs", of: { kind: "number", min: -200, max: 0 }, default: -200 },
    { name: "wake", of: { kind: "nullable", of: { kind: "record", of: WAKE_CHECK_SHAPE } }, default: null },
    { name: "endpointing", of: { kind: "record", of: ENDPOINTING_SHAPE }, default: {} },
  ],
};

/** No more audio comes for the job: finish with what is there. */
export interface Finish {
  readonly type: "finish";
  readonly job: string;
  /** How many frames the stream had. */
  readonly frames: number;
}

export const FINISH_SHAPE: Shape<Finish> = {
  name: "Finish",
  tag: "finish",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "frames", of: { kind: "integer", min: 0, max: 4294967295 } },
  ],
};

/** Drop the job; no answer is wanted. */
export interface Cancel {
  readonly type: "cancel";
  readonly job: string;
}

export const CANCEL_SHAPE: Shape<Cancel> = {
  name: "Cancel",
  tag: "cancel",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
  ],
};

/** Speak the text onto `down/<group>/<playback>`, sentence by sentence. */
export interface Synthesize {
  readonly type: "synthesize";
  readonly job: string;
  readonly turn: string;
  readonly playback: string;
  /** The satellite that plays it; `all`: several, or not known. */
  readonly group: string;
  readonly text: string;
  readonly language: string;
  readonly engine: string;
  readonly voice: string;
  readonly format: AudioFormat;
}

export const SYNTHESIZE_SHAPE: Shape<Synthesize> = {
  name: "Synthesize",
  tag: "synthesize",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "playback", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "group", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" }, default: "all" },
    { name: "text", of: { kind: "string", max: 2000 } },
    { name: "language", of: { kind: "string", max: 35, pattern: "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$" }, default: "en" },
    { name: "engine", of: { kind: "string", max: 100 }, default: "" },
    { name: "voice", of: { kind: "string", max: 100 }, default: "" },
    { name: "format", of: { kind: "record", of: AUDIO_FORMAT_SHAPE }, default: {"rate_hz": 16000, "codec": "pcm"} },
  ],
};

/** Play a part of a satellite's stream onto `down/<group>/<playback>`, in its own voice. */
export interface Relay {
  readonly type: "relay";
  readonly job: string;
  readonly turn: string;
  readonly playback: string;
  /** See Synthesize. */
  readonly group: string;
  readonly satellite: string;
  readonly stream: string;
  /** From this position of the stream on... */
  readonly begin: number;
  /** ...up to this one. */
  readonly end: number;
  readonly format: AudioFormat;
}

export const RELAY_SHAPE: Shape<Relay> = {
  name: "Relay",
  tag: "relay",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "playback", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "group", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" }, default: "all" },
    { name: "satellite", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "stream", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "begin", of: { kind: "integer", min: 0, max: 1099511627775 } },
    { name: "end", of: { kind: "integer", min: 0, max: 1099511627775 } },
    { name: "format", of: { kind: "record", of: AUDIO_FORMAT_SHAPE }, default: {"rate_hz": 16000, "codec": "pcm"} },
  ],
};

/** The worker took the job. */
export interface WorkBegan {
  readonly type: "work-began";
  readonly job: string;
  readonly worker: string;
  readonly engine: string;
}

export const WORK_BEGAN_SHAPE: Shape<WorkBegan> = {
  name: "WorkBegan",
  tag: "work-began",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "worker", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "engine", of: { kind: "string", max: 100 } },
  ],
};

/** The stream has a hole: the hub should ask the satellite to send these again. */
export interface FramesMissing {
  readonly type: "frames-missing";
  readonly job: string;
  readonly stream: string;
  readonly first: number;
  readonly last: number;
}

export const FRAMES_MISSING_SHAPE: Shape<FramesMissing> = {
  name: "FramesMissing",
  tag: "frames-missing",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "stream", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "first", of: { kind: "integer", min: 0, max: 4294967295 } },
    { name: "last", of: { kind: "integer", min: 0, max: 4294967295 } },
  ],
};

/** The wake phrase is in the stream, so this is a turn. */
export interface WakeConfirmed {
  readonly type: "wake-confirmed";
  readonly job: string;
  readonly phrase: string;
  readonly engine: string;
  readonly score: number;
  /** Where in the stream the engine fired. */
  readonly end: number;
}

export const WAKE_CONFIRMED_SHAPE: Shape<WakeConfirmed> = {
  name: "WakeConfirmed",
  tag: "wake-confirmed",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "phrase", of: { kind: "string", max: 100 } },
    { name: "engine", of: { kind: "string", max: 100 } },
    { name: "score", of: { kind: "number", min: 0, max: 1 } },
    { name: "end", of: { kind: "integer", min: 0, max: 1099511627775 } },
  ],
};

/** What has been understood so far; it may change. */
export interface Partial {
  readonly type: "partial";
  readonly job: string;
  readonly text: string;
}

export const PARTIAL_SHAPE: Shape<Partial> = {
  name: "Partial",
  tag: "partial",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "text", of: { kind: "string", max: 2000 } },
  ],
};

/** The person has finished: the satellite may stop. */
export interface SpeechEnded {
  readonly type: "speech-ended";
  readonly job: string;
  /** Last voiced sample in the stream. */
  readonly position: number;
  /** How much of the stream it took to decide. */
  readonly decided_at: number;
  readonly why: "grammar-complete" | "limit" | "no-speech" | "silence" | "stream-ended";
}

export const SPEECH_ENDED_SHAPE: Shape<SpeechEnded> = {
  name: "SpeechEnded",
  tag: "speech-ended",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "position", of: { kind: "integer", min: 0, max: 1099511627775 } },
    { name: "decided_at", of: { kind: "integer", min: 0, max: 1099511627775 } },
    { name: "why", of: { kind: "choice", of: ["grammar-complete", "limit", "no-speech", "silence", "stream-ended"] } },
  ],
};

/** One way to hear the same audio. */
export interface Alternative {
  readonly text: string;
  readonly source: "dictation" | "grammar";
  readonly confidence: number;
}

export const ALTERNATIVE_SHAPE: Shape<Alternative> = {
  name: "Alternative",
  fields: [
    { name: "text", of: { kind: "string", max: 2000 } },
    { name: "source", of: { kind: "choice", of: ["dictation", "grammar"] } },
    { name: "confidence", of: { kind: "number", min: 0, max: 1 } },
  ],
};

/** The transcript. Empty text: nothing was said, or nothing that it would stand by. */
export interface Heard {
  readonly type: "heard";
  readonly job: string;
  readonly text: string;
  /** Which decoding won; `nothing`: silence or rejected, see `rejected`. */
  readonly source: "dictation" | "grammar" | "nothing";
  readonly confidence: number;
  readonly engine: string;
  /** Speech was there, and no hypothesis was good enough: ask back. */
  readonly rejected: boolean;
  readonly alternatives: readonly Alternative[];
  /** Audio that went into the recogniser. */
  readonly audio_s: number;
  /** Time that the recogniser computed, all in all. */
  readonly engine_ms: number;
  /** From the end-of-speech decision to the transcript: engine time that the person waits. */
  readonly tail_ms: number;
}

export const HEARD_SHAPE: Shape<Heard> = {
  name: "Heard",
  tag: "heard",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "text", of: { kind: "string", max: 2000 } },
    { name: "source", of: { kind: "choice", of: ["dictation", "grammar", "nothing"] } },
    { name: "confidence", of: { kind: "number", min: 0, max: 1 } },
    { name: "engine", of: { kind: "string", max: 100 } },
    { name: "rejected", of: { kind: "boolean" }, default: false },
    { name: "alternatives", of: { kind: "list", of: { kind: "record", of: ALTERNATIVE_SHAPE }, max: 256 }, default: [] },
    { name: "audio_s", of: { kind: "number", min: 0, max: 86400 }, default: 0 },
    { name: "engine_ms", of: { kind: "number", min: 0 }, default: 0 },
    { name: "tail_ms", of: { kind: "number", min: 0 }, default: 0 },
  ],
};

/** The first audio of a reply is on its way to the satellites. */
export interface SpeechBegan {
  readonly type: "speech-began";
  readonly job: string;
  readonly engine: string;
  /** Time from taking the job to the engine's first samples. */
  readonly engine_ms: number;
}

export const SPEECH_BEGAN_SHAPE: Shape<SpeechBegan> = {
  name: "SpeechBegan",
  tag: "speech-began",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "engine", of: { kind: "string", max: 100 } },
    { name: "engine_ms", of: { kind: "number", min: 0 } },
  ],
};

/** All audio of a reply was sent. */
export interface SpeechSynthesized {
  readonly type: "speech-synthesized";
  readonly job: string;
  readonly samples: number;
  readonly frames: number;
}

export const SPEECH_SYNTHESIZED_SHAPE: Shape<SpeechSynthesized> = {
  name: "SpeechSynthesized",
  tag: "speech-synthesized",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "samples", of: { kind: "integer", min: 0, max: 1099511627775 } },
    { name: "frames", of: { kind: "integer", min: 0, max: 4294967295 } },
  ],
};

/** The job could not be done here. */
export interface WorkFailed {
  readonly type: "work-failed";
  readonly job: string;
  readonly code: "bad-request" | "busy" | "engine-failed" | "no-audio" | "no-context" | "no-engine" | "no-wake";
  readonly text: string;
  /** Another worker may do better. */
  readonly retryable: boolean;
}

export const WORK_FAILED_SHAPE: Shape<WorkFailed> = {
  name: "WorkFailed",
  tag: "work-failed",
  fields: [
    { name: "job", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "code", of: { kind: "choice", of: ["bad-request", "busy", "engine-failed", "no-audio", "no-context", "no-engine", "no-wake"] } },
    { name: "text", of: { kind: "string", max: 2000 } },
    { name: "retryable", of: { kind: "boolean" } },
  ],
};

/** The hub is here. */
export interface Welcome {
  readonly type: "welcome";
  readonly hub: string;
  readonly epoch: number;
  readonly site: string;
  readonly protocol: VersionRange;
  readonly software: string;
  /** Codecs besides PCM that everybody who hears satellites can take now: `opus`. */
  readonly codecs: readonly string[];
}

export const WELCOME_SHAPE: Shape<Welcome> = {
  name: "Welcome",
  tag: "welcome",
  fields: [
    { name: "hub", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "epoch", of: { kind: "integer", min: 0 } },
    { name: "site", of: { kind: "string", max: 100 } },
    { name: "protocol", of: { kind: "record", of: VERSION_RANGE_SHAPE } },
    { name: "software", of: { kind: "string", max: 100 } },
    { name: "codecs", of: { kind: "list", of: { kind: "string", max: 100 }, max: 256 }, default: [] },
  ],
};

/** The hub is gone; as a will, the broker says so. */
export interface Farewell {
  readonly type: "farewell";
  readonly hub: string;
  readonly epoch: number;
  readonly reason: "lost" | "stopped";
}

export const FAREWELL_SHAPE: Shape<Farewell> = {
  name: "Farewell",
  tag: "farewell",
  fields: [
    { name: "hub", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "epoch", of: { kind: "integer", min: 0 } },
    { name: "reason", of: { kind: "choice", of: ["lost", "stopped"] } },
  ],
};

/** This hub acts, and no other; said every second. */
export interface HubLease {
  readonly type: "hub-lease";
  readonly hub: string;
  /** Random per process. */
  readonly instance: string;
  /** One higher with each hub that takes over. */
  readonly term: number;
  /** Counts one hub's renewals. */
  readonly number: number;
  /** It acts no longer; as a will, the broker says so. */
  readonly released: boolean;
}

export const HUB_LEASE_SHAPE: Shape<HubLease> = {
  name: "HubLease",
  tag: "hub-lease",
  fields: [
    { name: "hub", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "instance", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "term", of: { kind: "integer", min: 0 } },
    { name: "number", of: { kind: "integer", min: 0 }, default: 0 },
    { name: "released", of: { kind: "boolean" }, default: false },
  ],
};

/** Somebody called in a room. */
export interface TurnStarted {
  readonly type: "turn-started";
  readonly turn: string;
  readonly room: string;
  /** Empty for a request that came over MQTT. */
  readonly satellite: string;
  /** `follow-up`: the house has asked something, and listens for the answer by itself. */
  readonly cause: "button" | "follow-up" | "phrase" | "request" | "voice";
  readonly phrase: string;
  readonly confidence: number;
}

export const TURN_STARTED_SHAPE: Shape<TurnStarted> = {
  name: "TurnStarted",
  tag: "turn-started",
  fields: [
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "satellite", of: { kind: "string", max: 100 } },
    { name: "cause", of: { kind: "choice", of: ["button", "follow-up", "phrase", "request", "voice"] } },
    { name: "phrase", of: { kind: "string", max: 100 }, default: "" },
    { name: "confidence", of: { kind: "number" }, default: 1 },
  ],
};

/** What has been understood of a command so far. */
export interface PartlyHeard {
  readonly type: "partly-heard";
  readonly turn: string;
  readonly room: string;
  readonly text: string;
}

export const PARTLY_HEARD_SHAPE: Shape<PartlyHeard> = {
  name: "PartlyHeard",
  tag: "partly-heard",
  fields: [
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "text", of: { kind: "string", max: 2000 } },
  ],
};

/** The transcript of a command. */
export interface CommandHeard {
  readonly type: "heard";
  readonly turn: string;
  readonly room: string;
  readonly text: string;
  readonly confidence: number;
  readonly source: string;
}

export const COMMAND_HEARD_SHAPE: Shape<CommandHeard> = {
  name: "CommandHeard",
  tag: "heard",
  fields: [
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "text", of: { kind: "string", max: 2000 } },
    { name: "confidence", of: { kind: "number" } },
    { name: "source", of: { kind: "string", max: 100 } },
  ],
};

/** What a command means. */
export interface Understood {
  readonly type: "understood";
  readonly turn: string;
  readonly room: string;
  readonly intent: string;
  readonly slots: Readonly<Record<string, unknown>>;
}

export const UNDERSTOOD_SHAPE: Shape<Understood> = {
  name: "Understood",
  tag: "understood",
  fields: [
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "intent", of: { kind: "string", max: 100 } },
    { name: "slots", of: { kind: "map", of: { kind: "anything" } }, default: {} },
  ],
};

/** The reply's first audio is on its way. */
export interface ReplyBegan {
  readonly type: "reply-began";
  readonly turn: string;
  readonly room: string;
  readonly text: string;
}

export const REPLY_BEGAN_SHAPE: Shape<ReplyBegan> = {
  name: "ReplyBegan",
  tag: "reply-began",
  fields: [
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "text", of: { kind: "string", max: 2000 } },
  ],
};

/** A turn is over, in exactly one of three ways, with its whole trace. */
export interface TurnEnded {
  readonly type: "turn-ended";
  readonly turn: string;
  readonly room: string;
  readonly satellite: string;
  readonly outcome: "answered" | "cancelled" | "failed";
  /** Why it failed or was cancelled. */
  readonly code: string;
  readonly transcript: string;
  readonly intent: string;
  readonly slots: Readonly<Record<string, unknown>>;
  readonly reply: string;
  /** Milliseconds per stage; see docs/protocol.md for the stages. */
  readonly timings: Readonly<Record<string, number>>;
  /** Scores, alternatives, engine, worker, why listening stopped. */
  readonly trace: Readonly<Record<string, unknown>>;
}

export const TURN_ENDED_SHAPE: Shape<TurnEnded> = {
  name: "TurnEnded",
  tag: "turn-ended",
  fields: [
    { name: "turn", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "satellite", of: { kind: "string", max: 100 } },
    { name: "outcome", of: { kind: "choice", of: ["answered", "cancelled", "failed"] } },
    { name: "code", of: { kind: "string", max: 100 }, default: "" },
    { name: "transcript", of: { kind: "string", max: 2000 }, default: "" },
    { name: "intent", of: { kind: "string", max: 100 }, default: "" },
    { name: "slots", of: { kind: "map", of: { kind: "anything" } }, default: {} },
    { name: "reply", of: { kind: "string", max: 2000 }, default: "" },
    { name: "timings", of: { kind: "map", of: { kind: "number" } }, default: {} },
    { name: "trace", of: { kind: "map", of: { kind: "anything" } }, default: {} },
  ],
};

/** A satellite came. */
export interface SatelliteJoined {
  readonly type: "satellite-joined";
  readonly satellite: string;
  readonly room: string;
}

export const SATELLITE_JOINED_SHAPE: Shape<SatelliteJoined> = {
  name: "SatelliteJoined",
  tag: "satellite-joined",
  fields: [
    { name: "satellite", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "room", of: { kind: "string", max: 100 } },
  ],
};

/** A satellite went or was lost. */
export interface SatelliteLeft {
  readonly type: "satellite-left";
  readonly satellite: string;
  readonly room: string;
  readonly reason: string;
}

export const SATELLITE_LEFT_SHAPE: Shape<SatelliteLeft> = {
  name: "SatelliteLeft",
  tag: "satellite-left",
  fields: [
    { name: "satellite", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "reason", of: { kind: "string", max: 100 } },
  ],
};

/** A worker came. */
export interface WorkerJoined {
  readonly type: "worker-joined";
  readonly worker: string;
  readonly device: string;
  readonly engines: readonly string[];
}

export const WORKER_JOINED_SHAPE: Shape<WorkerJoined> = {
  name: "WorkerJoined",
  tag: "worker-joined",
  fields: [
    { name: "worker", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "device", of: { kind: "string", max: 100 } },
    { name: "engines", of: { kind: "list", of: { kind: "string", max: 100 }, max: 256 } },
  ],
};

/** A worker went or was lost. */
export interface WorkerLeft {
  readonly type: "worker-left";
  readonly worker: string;
  readonly reason: string;
}

export const WORKER_LEFT_SHAPE: Shape<WorkerLeft> = {
  name: "WorkerLeft",
  tag: "worker-left",
  fields: [
    { name: "worker", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "reason", of: { kind: "string", max: 100 } },
  ],
};

/**
 * Other sound in the room should be this much quieter, until the lease ends or is renewed.
 *
 * For players that are not ours: a television, a stereo. Who misses the end is helped by the
 * lease.
 */
export interface RoomDucked {
  readonly type: "room-ducked";
  readonly room: string;
  readonly level_db: number;
  /** 0: as loud as before, at once. */
  readonly lease_s: number;
}

export const ROOM_DUCKED_SHAPE: Shape<RoomDucked> = {
  name: "RoomDucked",
  tag: "room-ducked",
  fields: [
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "level_db", of: { kind: "number", min: -60, max: 0 } },
    { name: "lease_s", of: { kind: "number", min: 0, max: 86400 } },
  ],
};

/** A device of the home model was switched or dimmed by voice or request. */
export interface DeviceChanged {
  readonly type: "device-changed";
  readonly device: string;
  readonly room: string;
  readonly state: Readonly<Record<string, unknown>>;
}

export const DEVICE_CHANGED_SHAPE: Shape<DeviceChanged> = {
  name: "DeviceChanged",
  tag: "device-changed",
  fields: [
    { name: "device", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "state", of: { kind: "map", of: { kind: "anything" } } },
  ],
};

/** A timer, an alarm or a reminder as it stands. */
export interface TimerInfo {
  readonly timer: string;
  readonly kind: "alarm" | "reminder" | "timer";
  readonly state: "paused" | "ringing" | "running";
  readonly name: string;
  /** What a reminder is about. */
  readonly text: string;
  /** Where it rings; empty: everywhere. */
  readonly room: string;
  /** When it rings, ISO 8601 in the home's time zone; empty while it is paused. */
  readonly due_at: string;
  /** Seconds until it rings. */
  readonly left_s: number;
  /** A timer's whole length, seconds. */
  readonly length_s: number;
  /** An alarm's weekdays; empty: it rings once. */
  readonly days: readonly ("fri" | "mon" | "sat" | "sun" | "thu" | "tue" | "wed")[];
  readonly snoozed: boolean;
}

export const TIMER_INFO_SHAPE: Shape<TimerInfo> = {
  name: "TimerInfo",
  fields: [
    { name: "timer", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "kind", of: { kind: "choice", of: ["alarm", "reminder", "timer"] } },
    { name: "state", of: { kind: "choice", of: ["paused", "ringing", "running"] } },
    { name: "name", of: { kind: "string", max: 100 }, default: "" },
    { name: "text", of: { kind: "string", max: 2000 }, default: "" },
    { name: "room", of: { kind: "string", max: 100 }, default: "" },
    { name: "due_at", of: { kind: "string", max: 100 }, default: "" },
    { name: "left_s", of: { kind: "number", min: 0 }, default: 0 },
    { name: "length_s", of: { kind: "number", min: 0 }, default: 0 },
    { name: "days", of: { kind: "list", of: { kind: "choice", of: ["fri", "mon", "sat", "sun", "thu", "tue", "wed"] } }, default: [] },
    { name: "snoozed", of: { kind: "boolean" }, default: false },
  ],
};

/** A timer, an alarm or a reminder was set. */
export interface TimerStarted {
  readonly type: "timer-started";
  readonly timer: TimerInfo;
}

export const TIMER_STARTED_SHAPE: Shape<TimerStarted> = {
  name: "TimerStarted",
  tag: "timer-started",
  fields: [
    { name: "timer", of: { kind: "record", of: TIMER_INFO_SHAPE } },
  ],
};

/** It was paused, resumed, lengthened, shortened, snoozed, or set to its next day. */
export interface TimerChanged {
  readonly type: "timer-changed";
  readonly timer: TimerInfo;
}

export const TIMER_CHANGED_SHAPE: Shape<TimerChanged> = {
  name: "TimerChanged",
  tag: "timer-changed",
  fields: [
    { name: "timer", of: { kind: "record", of: TIMER_INFO_SHAPE } },
  ],
};

/** It is due: the satellites of its room ring. */
export interface TimerRinging {
  readonly type: "timer-ringing";
  readonly timer: TimerInfo;
}

export const TIMER_RINGING_SHAPE: Shape<TimerRinging> = {
  name: "TimerRinging",
  tag: "timer-ringing",
  fields: [
    { name: "timer", of: { kind: "record", of: TIMER_INFO_SHAPE } },
  ],
};

/** It is over; an alarm with weekdays stays set for its next day. */
export interface TimerEnded {
  readonly type: "timer-ended";
  readonly timer: TimerInfo;
  /** `unheard`: it rang, and nobody stopped it. `missed`: nothing rang, for the house was off. */
  readonly reason: "cancelled" | "missed" | "stopped" | "unheard";
}

export const TIMER_ENDED_SHAPE: Shape<TimerEnded> = {
  name: "TimerEnded",
  tag: "timer-ended",
  fields: [
    { name: "timer", of: { kind: "record", of: TIMER_INFO_SHAPE } },
    { name: "reason", of: { kind: "choice", of: ["cancelled", "missed", "stopped", "unheard"] } },
  ],
};

/** Something was put on a list, or taken off it. */
export interface ListChanged {
  readonly type: "list-changed";
  readonly list: string;
  /** All that is on it now. */
  readonly items: readonly string[];
}

export const LIST_CHANGED_SHAPE: Shape<ListChanged> = {
  name: "ListChanged",
  tag: "list-changed",
  fields: [
    { name: "list", of: { kind: "string", max: 100 } },
    { name: "items", of: { kind: "list", of: { kind: "string", max: 2000 } }, default: [] },
  ],
};

/** Say this in a room: `{"text": "Dinner is ready", "room": "kitchen"}`. */
export interface AskSay {
  readonly text: string;
  /** Room by name; empty: every room. */
  readonly room: string;
  readonly language: string;
}

export const ASK_SAY_SHAPE: Shape<AskSay> = {
  name: "AskSay",
  fields: [
    { name: "text", of: { kind: "string", max: 2000 } },
    { name: "room", of: { kind: "string", max: 100 }, default: "" },
    { name: "language", of: { kind: "string", max: 35, pattern: "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$" }, default: "en" },
  ],
};

/**
 * Tell some rooms, or all, at the same moment: `{"text": "Dinner is ready"}`.
 *
 * A room's quiet hours and its do-not-disturb hold, unless it is urgent. The answer's slots say
 * for each room what became of it.
 */
export interface AskAnnounce {
  readonly text: string;
  /** Rooms by name; none: every room. */
  readonly rooms: readonly string[];
  readonly except_rooms: readonly string[];
  /** `urgent`: before everything else, at any time: water in the cellar. */
  readonly priority: "normal" | "urgent";
  readonly language: string;
}

export const ASK_ANNOUNCE_SHAPE: Shape<AskAnnounce> = {
  name: "AskAnnounce",
  fields: [
    { name: "text", of: { kind: "string", max: 2000 } },
    { name: "rooms", of: { kind: "list", of: { kind: "string", max: 100 }, max: 256 }, default: [] },
    { name: "except_rooms", of: { kind: "list", of: { kind: "string", max: 100 }, max: 256 }, default: [] },
    { name: "priority", of: { kind: "choice", of: ["normal", "urgent"] }, default: "normal" },
    { name: "language", of: { kind: "string", max: 35, pattern: "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$" }, default: "en" },
  ],
};

/**
 * Set a room's volume or its do-not-disturb, or only ask: `{"room": "hall", "percent": 40}`.
 *
 * The answer's slots hold each room's settings as they are then.
 */
export interface AskVolume {
  /** Room by name; empty: every room. To be named, so that no slip silences the whole house. */
  readonly room: string;
  /** 100: as loud as the satellite's own setting; 0: silent. */
  readonly percent: number | null;
  /** Louder or quieter by so many percent points. */
  readonly change: number;
  readonly do_not_disturb: boolean | null;
  /** Do-not-disturb ends by itself after so long; 0: when somebody ends it. */
  readonly for_s: number;
}

export const ASK_VOLUME_SHAPE: Shape<AskVolume> = {
  name: "AskVolume",
  fields: [
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "percent", of: { kind: "nullable", of: { kind: "integer", min: 0, max: 100 } }, default: null },
    { name: "change", of: { kind: "integer", min: -100, max: 100 }, default: 0 },
    { name: "do_not_disturb", of: { kind: "nullable", of: { kind: "boolean" } }, default: null },
    { name: "for_s", of: { kind: "number", min: 0, max: 86400 }, default: 0 },
  ],
};

/** One answer: `{"id": "jazz", "sentences": ["[some] (jazz|swing)"]}`. */
export interface ExpectedAnswer {
  readonly id: string;
  /**
   * Templates in Home Assistant's format; `{artist}` takes any words into the slot `artist`, `{area}`, `{floor}` and `{name}` take what the home has.
   */
  readonly sentences: readonly string[];
}

export const EXPECTED_ANSWER_SHAPE: Shape<ExpectedAnswer> = {
  name: "ExpectedAnswer",
  fields: [
    { name: "id", of: { kind: "string", max: 100 } },
    { name: "sentences", of: { kind: "list", of: { kind: "string", max: 2000 }, max: 32 } },
  ],
};

/**
 * Ask in a room and listen for the answer: `{"text": "Which music?", "room": "kitchen"}`.
 *
 * The answer names the expected answer that it is, and has the words that were said.
 */
export interface AskQuestion {
  readonly text: string;
  readonly room: string;
  /** What may be answered; none: anything. */
  readonly answers: readonly ExpectedAnswer[];
  readonly language: string;
}

export const ASK_QUESTION_SHAPE: Shape<AskQuestion> = {
  name: "AskQuestion",
  fields: [
    { name: "text", of: { kind: "string", max: 2000 } },
    { name: "room", of: { kind: "string", max: 100 } },
    { name: "answers", of: { kind: "list", of: { kind: "record", of: EXPECTED_ANSWER_SHAPE }, max: 32 }, default: [] },
    { name: "language", of: { kind: "string", max: 35, pattern: "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$" }, default: "en" },
  ],
};

/** Do this as if it had been said: `{"text": "turn on the lamp", "room": "hall"}`. */
export interface AskIntent {
  readonly text: string;
  readonly room: string;
  /** Say the reply in the room, too. */
  readonly speak: boolean;
  readonly language: string;
}

export const ASK_INTENT_SHAPE: Shape<AskIntent> = {
  name: "AskIntent",
  fields: [
    { name: "text", of: { kind: "string", max: 2000 } },
    { name: "room", of: { kind: "string", max: 100 }, default: "" },
    { name: "speak", of: { kind: "boolean" }, default: false },
    { name: "language", of: { kind: "string", max: 35, pattern: "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$" }, default: "en" },
  ],
};

/**
 * Set, ask for or change timers: `{"action": "start", "minutes": 10, "name": "pasta"}`.
 *
 * All fields beside `action` say which one is meant; for `start` and `add` they say what to set.
 */
export interface AskTimer {
  /** `add` lengthens it; with `less` it shortens it. `stop` ends what rings. */
  readonly action: "add" | "cancel" | "list" | "pause" | "resume" | "snooze" | "start" | "stop";
  /** None: for `start` a timer, or an alarm if `at` is given; else any kind. */
  readonly kind: "alarm" | "reminder" | "timer" | null;
  /** Its id, from an answer or an event. */
  readonly timer: string | null;
  readonly name: string;
  readonly room: string;
  /** What a reminder is about. */
  readonly text: string;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  /** When: `07:30`, or `2026-11-22T07:30` in the home's time zone. */
  readonly at: string;
  /** An alarm's weekdays; it then rings every week. */
  readonly days: readonly ("fri" | "mon" | "sat" | "sun" | "thu" | "tue" | "wed")[];
  readonly less: boolean;
  /** All that fit, where several do. */
  readonly all: boolean;
}

export const ASK_TIMER_SHAPE: Shape<AskTimer> = {
  name: "AskTimer",
  fields: [
    { name: "action", of: { kind: "choice", of: ["add", "cancel", "list", "pause", "resume", "snooze", "start", "stop"] } },
    { name: "kind", of: { kind: "nullable", of: { kind: "choice", of: ["alarm", "reminder", "timer"] } }, default: null },
    { name: "timer", of: { kind: "nullable", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } }, default: null },
    { name: "name", of: { kind: "string", max: 100 }, default: "" },
    { name: "room", of: { kind: "string", max: 100 }, default: "" },
    { name: "text", of: { kind: "string", max: 2000 }, default: "" },
    { name: "hours", of: { kind: "number", min: 0, max: 604800 }, default: 0 },
    { name: "minutes", of: { kind: "number", min: 0, max: 604800 }, default: 0 },
    { name: "seconds", of: { kind: "number", min: 0, max: 604800 }, default: 0 },
    { name: "at", of: { kind: "string", max: 100 }, default: "" },
    { name: "days", of: { kind: "list", of: { kind: "choice", of: ["fri", "mon", "sat", "sun", "thu", "tue", "wed"] }, max: 7 }, default: [] },
    { name: "less", of: { kind: "boolean" }, default: false },
    { name: "all", of: { kind: "boolean" }, default: false },
  ],
};

/** Read or change a list: `{"action": "add", "item": "milk"}`. */
export interface AskList {
  readonly action: "add" | "clear" | "remove" | "show";
  readonly list: string;
  readonly item: string;
}

export const ASK_LIST_SHAPE: Shape<AskList> = {
  name: "AskList",
  fields: [
    { name: "action", of: { kind: "choice", of: ["add", "clear", "remove", "show"] } },
    { name: "list", of: { kind: "string", max: 100 }, default: "shopping" },
    { name: "item", of: { kind: "string", max: 100 }, default: "" },
  ],
};

/** The answer to a request, sent to its MQTT 5 response topic. */
export interface Answer {
  readonly ok: boolean;
  /** What was wrong and what to do, when not ok. */
  readonly error: string;
  readonly turn: string | null;
  readonly intent: string;
  readonly slots: Readonly<Record<string, unknown>>;
  readonly reply: string;
  /** Those that a request about timers meant. */
  readonly timers: readonly TimerInfo[];
  /** What is on the list that a request was about. */
  readonly items: readonly string[];
  /** Id of the expected answer that a question got; empty for another one. */
  readonly answer: string;
  /** What was answered to a question, as it was heard. */
  readonly sentence: string;
}

export const ANSWER_SHAPE: Shape<Answer> = {
  name: "Answer",
  fields: [
    { name: "ok", of: { kind: "boolean" } },
    { name: "error", of: { kind: "string", max: 2000 }, default: "" },
    { name: "turn", of: { kind: "nullable", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } }, default: null },
    { name: "intent", of: { kind: "string", max: 100 }, default: "" },
    { name: "slots", of: { kind: "map", of: { kind: "anything" } }, default: {} },
    { name: "reply", of: { kind: "string", max: 2000 }, default: "" },
    { name: "timers", of: { kind: "list", of: { kind: "record", of: TIMER_INFO_SHAPE } }, default: [] },
    { name: "items", of: { kind: "list", of: { kind: "string", max: 2000 } }, default: [] },
    { name: "answer", of: { kind: "string", max: 100 }, default: "" },
    { name: "sentence", of: { kind: "string", max: 2000 }, default: "" },
  ],
};

/** A device's state, retained: `{"on": true, "brightness": 40}`. */
export interface DeviceState {
  readonly on: boolean;
  /** Percent; None for a device that only switches. */
  readonly brightness: number | null;
}

export const DEVICE_STATE_SHAPE: Shape<DeviceState> = {
  name: "DeviceState",
  fields: [
    { name: "on", of: { kind: "boolean" } },
    { name: "brightness", of: { kind: "nullable", of: { kind: "integer", min: 0, max: 100 } }, default: null },
  ],
};

/** A device asks to be let in. */
export interface PairHello {
  readonly type: "pair-hello";
  readonly kind: "satellite" | "worker";
  /** The id that it will have in the house. */
  readonly device: string;
  /** The first two digits of its code, no secret: which of several devices this is about. */
  readonly label: string;
  readonly room: string;
  readonly host: string;
  readonly software: string;
  /** Random, kept by the device: the same device pairs again under its id, another may not. */
  readonly serial: string;
  readonly share: Uint8Array;
}

export const PAIR_HELLO_SHAPE: Shape<PairHello> = {
  name: "PairHello",
  tag: "pair-hello",
  fields: [
    { name: "kind", of: { kind: "choice", of: ["satellite", "worker"] } },
    { name: "device", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "label", of: { kind: "string", pattern: "^\\d{2}$" } },
    { name: "room", of: { kind: "string", max: 100 }, default: "" },
    { name: "host", of: { kind: "string", max: 100 }, default: "" },
    { name: "software", of: { kind: "string", max: 100 }, default: "" },
    { name: "serial", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "share", of: { kind: "bytes", max: 128 } },
  ],
};

/** The device proves that it has the same key, and thus knows the code. */
export interface PairProof {
  readonly type: "pair-proof";
  readonly proof: Uint8Array;
}

export const PAIR_PROOF_SHAPE: Shape<PairProof> = {
  name: "PairProof",
  tag: "pair-proof",
  fields: [
    { name: "proof", of: { kind: "bytes", max: 32 } },
  ],
};

/** The hub's part of the exchange. */
export interface PairShare {
  readonly type: "pair-share";
  readonly hub: string;
  readonly share: Uint8Array;
}

export const PAIR_SHARE_SHAPE: Shape<PairShare> = {
  name: "PairShare",
  tag: "pair-share",
  fields: [
    { name: "hub", of: { kind: "string", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" } },
    { name: "share", of: { kind: "bytes", max: 128 } },
  ],
};

/** The device is let in; only who has the key can read what it is given. */
export interface PairGranted {
  readonly type: "pair-granted";
  /** Nonce and AES-256-GCM ciphertext of a Membership. */
  readonly sealed: Uint8Array;
}

export const PAIR_GRANTED_SHAPE: Shape<PairGranted> = {
  name: "PairGranted",
  tag: "pair-granted",
  fields: [
    { name: "sealed", of: { kind: "bytes", max: 16384 } },
  ],
};

/** The device is not let in. */
export interface PairRefused {
  readonly type: "pair-refused";
  readonly code: "closed" | "full" | "other-code" | "taken" | "wrong-code";
  /** For the person at the device. */
  readonly text: string;
}

export const PAIR_REFUSED_SHAPE: Shape<PairRefused> = {
  name: "PairRefused",
  tag: "pair-refused",
  fields: [
    { name: "code", of: { kind: "choice", of: ["closed", "full", "other-code", "taken", "wrong-code"] } },
    { name: "text", of: { kind: "string", max: 2000 } },
  ],
};

/** Room, abilities and versions of a satellite; its will. */
export const SATELLITE_PRESENCE: Topic<Hello | Goodbye> = {
  name: "SATELLITE_PRESENCE",
  pattern: "sat/{satellite}/presence",
  shapes: [HELLO_SHAPE, GOODBYE_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: true,
  expiryS: null,
  limitBytes: 65536,
};

/** Somebody may have called. */
export const SATELLITE_WAKE: Topic<WakeHeard> = {
  name: "SATELLITE_WAKE",
  pattern: "sat/{satellite}/wake",
  shapes: [WAKE_HEARD_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: false,
  expiryS: 5,
  limitBytes: 65536,
};

/** Microphone audio, from the pre-roll to the end of speech; the hub's: a trial. */
export const SATELLITE_AUDIO: Topic<AudioFrame> = {
  name: "SATELLITE_AUDIO",
  pattern: "sat/{satellite}/up/{stream}",
  shapes: [AUDIO_FRAME_SHAPE],
  encoding: "msgpack",
  qos: 0,
  retain: false,
  expiryS: null,
  limitBytes: 8256,
};

/** The same as Opus packets, where all that listen take them. */
export const SATELLITE_OPUS: Topic<OpusFrame> = {
  name: "SATELLITE_OPUS",
  pattern: "sat/{satellite}/opus/{stream}",
  shapes: [OPUS_FRAME_SHAPE],
  encoding: "msgpack",
  qos: 0,
  retain: false,
  expiryS: null,
  limitBytes: 8256,
};

/** What the hub asks of a satellite. */
export const SATELLITE_DO: Topic<Listen | StopListening | Resend | Release | Play | StopPlaying | ShowTurn | Chime | SetVolume | Duck | Identify | ShowScores | Restart | SetAlarms | TimeTold> = {
  name: "SATELLITE_DO",
  pattern: "sat/{satellite}/do",
  shapes: [LISTEN_SHAPE, STOP_LISTENING_SHAPE, RESEND_SHAPE, RELEASE_SHAPE, PLAY_SHAPE, STOP_PLAYING_SHAPE, SHOW_TURN_SHAPE, CHIME_SHAPE, SET_VOLUME_SHAPE, DUCK_SHAPE, IDENTIFY_SHAPE, SHOW_SCORES_SHAPE, RESTART_SHAPE, SET_ALARMS_SHAPE, TIME_TOLD_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** What a satellite did; a second one of its id listens for its signs of life. */
export const SATELLITE_DID: Topic<ListenEnded | PlaybackReady | Played | AlarmRang | AlarmStopped | ButtonPressed | Muted | Fault | Counters | TimeAsked> = {
  name: "SATELLITE_DID",
  pattern: "sat/{satellite}/did",
  shapes: [LISTEN_ENDED_SHAPE, PLAYBACK_READY_SHAPE, PLAYED_SHAPE, ALARM_RANG_SHAPE, ALARM_STOPPED_SHAPE, BUTTON_PRESSED_SHAPE, MUTED_SHAPE, FAULT_SHAPE, COUNTERS_SHAPE, TIME_ASKED_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** What the hub wants to be set at a satellite. */
export const SATELLITE_DESIRED: Topic<DesiredSettings> = {
  name: "SATELLITE_DESIRED",
  pattern: "sat/{satellite}/config/desired",
  shapes: [DESIRED_SETTINGS_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: true,
  expiryS: null,
  limitBytes: 65536,
};

/** What is set at a satellite. */
export const SATELLITE_REPORTED: Topic<ReportedSettings> = {
  name: "SATELLITE_REPORTED",
  pattern: "sat/{satellite}/config/reported",
  shapes: [REPORTED_SETTINGS_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: true,
  expiryS: null,
  limitBytes: 65536,
};

/** Scores of its wake engines, while somebody looks. */
export const SATELLITE_SCORES: Topic<WakeScores> = {
  name: "SATELLITE_SCORES",
  pattern: "sat/{satellite}/scores",
  shapes: [WAKE_SCORES_SHAPE],
  encoding: "msgpack",
  qos: 0,
  retain: false,
  expiryS: null,
  limitBytes: 65536,
};

/** Engines and capacity of a worker; its will. */
export const WORKER_PRESENCE: Topic<WorkerHello | WorkerGoodbye> = {
  name: "WORKER_PRESENCE",
  pattern: "worker/{worker}/presence",
  shapes: [WORKER_HELLO_SHAPE, WORKER_GOODBYE_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: true,
  expiryS: null,
  limitBytes: 65536,
};

/** Jobs for a worker. */
export const WORKER_DO: Topic<LoadContext | Transcribe | Finish | Cancel | Synthesize | Relay> = {
  name: "WORKER_DO",
  pattern: "worker/{worker}/do",
  shapes: [LOAD_CONTEXT_SHAPE, TRANSCRIBE_SHAPE, FINISH_SHAPE, CANCEL_SHAPE, SYNTHESIZE_SHAPE, RELAY_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 4259840,
};

/** What comes of a turn's jobs. */
export const TURN_WORK: Topic<WorkBegan | FramesMissing | WakeConfirmed | Partial | SpeechEnded | Heard | SpeechBegan | SpeechSynthesized | WorkFailed> = {
  name: "TURN_WORK",
  pattern: "turn/{turn}/work",
  shapes: [WORK_BEGAN_SHAPE, FRAMES_MISSING_SHAPE, WAKE_CONFIRMED_SHAPE, PARTIAL_SHAPE, SPEECH_ENDED_SHAPE, HEARD_SHAPE, SPEECH_BEGAN_SHAPE, SPEECH_SYNTHESIZED_SHAPE, WORK_FAILED_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** Audio for one satellite, named by the group, or for all that play it: `all`. */
export const PLAYBACK_AUDIO: Topic<AudioFrame> = {
  name: "PLAYBACK_AUDIO",
  pattern: "down/{group}/{playback}",
  shapes: [AUDIO_FRAME_SHAPE],
  encoding: "msgpack",
  qos: 0,
  retain: false,
  expiryS: null,
  limitBytes: 8256,
};

/** The hub is here, or not. */
export const HUB_PRESENCE: Topic<Welcome | Farewell> = {
  name: "HUB_PRESENCE",
  pattern: "hub/presence",
  shapes: [WELCOME_SHAPE, FAREWELL_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: true,
  expiryS: null,
  limitBytes: 65536,
};

/** Which of several hubs acts. */
export const HUB_LEASE: Topic<HubLease> = {
  name: "HUB_LEASE",
  pattern: "hub/lease",
  shapes: [HUB_LEASE_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: true,
  expiryS: null,
  limitBytes: 65536,
};

/** Facts for home automation; the last level is the message's type. */
export const EVENT: Topic<TurnStarted | PartlyHeard | CommandHeard | Understood | ReplyBegan | TurnEnded | SatelliteJoined | SatelliteLeft | WorkerJoined | WorkerLeft | RoomDucked | DeviceChanged | TimerStarted | TimerChanged | TimerRinging | TimerEnded | ListChanged> = {
  name: "EVENT",
  pattern: "event/{kind}",
  shapes: [TURN_STARTED_SHAPE, PARTLY_HEARD_SHAPE, COMMAND_HEARD_SHAPE, UNDERSTOOD_SHAPE, REPLY_BEGAN_SHAPE, TURN_ENDED_SHAPE, SATELLITE_JOINED_SHAPE, SATELLITE_LEFT_SHAPE, WORKER_JOINED_SHAPE, WORKER_LEFT_SHAPE, ROOM_DUCKED_SHAPE, DEVICE_CHANGED_SHAPE, TIMER_STARTED_SHAPE, TIMER_CHANGED_SHAPE, TIMER_RINGING_SHAPE, TIMER_ENDED_SHAPE, LIST_CHANGED_SHAPE],
  encoding: "json",
  qos: 1,
  retain: false,
  expiryS: null,
  limitBytes: 65536,
};

/** Say something in a room. */
export const ASK_SAY: Topic<AskSay> = {
  name: "ASK_SAY",
  pattern: "ask/say",
  shapes: [ASK_SAY_SHAPE],
  encoding: "json",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** Tell rooms something, all at the same moment. */
export const ASK_ANNOUNCE: Topic<AskAnnounce> = {
  name: "ASK_ANNOUNCE",
  pattern: "ask/announce",
  shapes: [ASK_ANNOUNCE_SHAPE],
  encoding: "json",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** A room's volume and do-not-disturb. */
export const ASK_VOLUME: Topic<AskVolume> = {
  name: "ASK_VOLUME",
  pattern: "ask/volume",
  shapes: [ASK_VOLUME_SHAPE],
  encoding: "json",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** Ask something in a room, and listen for the answer. */
export const ASK_QUESTION: Topic<AskQuestion> = {
  name: "ASK_QUESTION",
  pattern: "ask/ask",
  shapes: [ASK_QUESTION_SHAPE],
  encoding: "json",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** Understand and do a sentence. */
export const ASK_INTENT: Topic<AskIntent> = {
  name: "ASK_INTENT",
  pattern: "ask/intent",
  shapes: [ASK_INTENT_SHAPE],
  encoding: "json",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** Set, ask for and change timers, alarms and reminders. */
export const ASK_TIMER: Topic<AskTimer> = {
  name: "ASK_TIMER",
  pattern: "ask/timer",
  shapes: [ASK_TIMER_SHAPE],
  encoding: "json",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** Read and change lists. */
export const ASK_LIST: Topic<AskList> = {
  name: "ASK_LIST",
  pattern: "ask/list",
  shapes: [ASK_LIST_SHAPE],
  encoding: "json",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** Answers to requests; any response topic that the asker names will do. */
export const ANSWER: Topic<Answer> = {
  name: "ANSWER",
  pattern: "answer/{asker}",
  shapes: [ANSWER_SHAPE],
  encoding: "json",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** State of a device of the home model. */
export const HOME_STATE: Topic<DeviceState> = {
  name: "HOME_STATE",
  pattern: "home/{device}/state",
  shapes: [DEVICE_STATE_SHAPE],
  encoding: "json",
  qos: 1,
  retain: true,
  expiryS: null,
  limitBytes: 65536,
};

/** A device asks to be let in. */
export const PAIR_ASK: Topic<PairHello | PairProof> = {
  name: "PAIR_ASK",
  pattern: "pair/{request}/ask",
  shapes: [PAIR_HELLO_SHAPE, PAIR_PROOF_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

/** What the hub says to that. */
export const PAIR_ANSWER: Topic<PairShare | PairGranted | PairRefused> = {
  name: "PAIR_ANSWER",
  pattern: "pair/{request}/answer",
  shapes: [PAIR_SHARE_SHAPE, PAIR_GRANTED_SHAPE, PAIR_REFUSED_SHAPE],
  encoding: "msgpack",
  qos: 1,
  retain: false,
  expiryS: 30,
  limitBytes: 65536,
};

export const TOPICS: readonly Topic<unknown>[] = [SATELLITE_PRESENCE, SATELLITE_WAKE, SATELLITE_AUDIO, SATELLITE_OPUS, SATELLITE_DO, SATELLITE_DID, SATELLITE_DESIRED, SATELLITE_REPORTED, SATELLITE_SCORES, WORKER_PRESENCE, WORKER_DO, TURN_WORK, PLAYBACK_AUDIO, HUB_PRESENCE, HUB_LEASE, EVENT, ASK_SAY, ASK_ANNOUNCE, ASK_VOLUME, ASK_QUESTION, ASK_INTENT, ASK_TIMER, ASK_LIST, ANSWER, HOME_STATE, PAIR_ASK, PAIR_ANSWER];
