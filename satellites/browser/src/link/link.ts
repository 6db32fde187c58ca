// What the satellite needs of its connection to the broker.

import type { Topic } from "../protocol/shape";
import type { Ids } from "../protocol/topic";

/** Not connected, or not any more. */
export class LinkDownError extends Error {
  override readonly name = "LinkDownError";
}

/** Takes a message, and whether the broker had kept it. */
export type Take<T> = (message: T, retained: boolean) => void;

export interface Link {
  /** Take what comes on a topic, from each connection's begin on. */
  on<T>(topic: Topic<T>, ids: Ids, take: Take<T>): void;
  /** Send; without a connection it is lost, and counted. */
  post<T>(topic: Topic<T>, ids: Ids, message: T): void;
  /**
   * Take what comes on a topic for a while; resolves once the broker has confirmed it.
   *
   * @returns What ends it.
   * @throws LinkDownError not connected.
   */
  follow<T>(topic: Topic<T>, ids: Ids, take: Take<T>): Promise<() => void>;
}
