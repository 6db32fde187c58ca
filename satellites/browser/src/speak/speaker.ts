// The speaker port: one output per sound, scheduled on the audio clock.

/** The page may not make sound: the browser wants a person to touch it first, or suspended it. */
export class SpeakerError extends Error {
  override readonly name = "SpeakerError";
}

/** One sound on its way out. */
export interface Output {
  /** When the next samples would sound, seconds on the speaker's clock; before the first: soon. */
  readonly endS: number;
  /** When the first sample sounds; null before it was written. */
  readonly firstS: number | null;
  /** How often it ran dry. */
  readonly underruns: number;
  /** Let samples sound right behind those before; the first ones may be told when. */
  write(pcm: Int16Array, atS?: number): void;
  /** Louder or quieter from now on, dB. */
  setGain(db: number): void;
  /** Resolves once the last sample has left. */
  drain(): Promise<void>;
  /** Be silent at once. */
  stop(): void;
}

/** What makes sound. */
export interface Speaker {
  /** The time of what sounds now, seconds on its own clock. */
  readonly nowS: number;
  /**
   * Begin a sound of 16-bit samples.
   *
   * @throws SpeakerError it may not make sound now.
   */
  open(rateHz: number, gainDb: number): Output;
}
