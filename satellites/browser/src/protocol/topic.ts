// Paths of topics: the same rules as in Python's `antiphon_protocol.topic`.

import { TopicError } from "./errors";
import { ROOT } from "./generated";
import type { Topic } from "./shape";

const SLUG = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const PLACE = /\{(\w+)\}/g;
const NOT_SLUG = /[^a-z0-9_-]+/g;

export type Ids = Readonly<Record<string, string>>;

export function isSlug(text: string): boolean {
  return SLUG.test(text);
}

/** Return the id nearest to a free name: `Living room` gives `living-room`; empty: nothing is left. */
export function slugOf(name: string): string {
  return name.toLowerCase().replace(NOT_SLUG, "-").replace(/^[-_]+|[-_]+$/g, "").slice(0, 64);
}

/** Return a fresh id such as `stream-3f9c0a…`: 64 random bits behind the kind's name. */
export function newId(kind: string): string {
  const random = crypto.getRandomValues(new Uint8Array(8));
  return `${kind}-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * Return the full topic for these ids.
 *
 * @throws TopicError an id is missing, unknown or no slug.
 */
export function pathOf(topic: Topic<never> | Topic<unknown>, ids: Ids): string {
  const places = [...topic.pattern.matchAll(PLACE)].map((found) => found[1] ?? "");
  const given = Object.keys(ids);
  if (places.length !== given.length || !places.every((place) => given.includes(place))) {
    throw new TopicError(`topic ${topic.name} takes ${places.join(", ")}, not ${given.join(", ")}`);
  }
  const below = topic.pattern.replace(PLACE, (_, place: string) => {
    const id = ids[place] ?? "";
    if (!isSlug(id)) {
      throw new TopicError(
        `${place} ${JSON.stringify(id.slice(0, 80))} is no id: 1-64 of a-z 0-9 _ - are, ` +
          "a letter or digit first",
      );
    }
    return id;
  });
  return `${ROOT}/${below}`;
}

/** Return the ids in a full topic, or null if it is not of this family. */
export function matchTopic(topic: Topic<never> | Topic<unknown>, path: string): Ids | null {
  const levels = path.split("/");
  const ours = `${ROOT}/${topic.pattern}`.split("/");
  if (levels.length !== ours.length) {
    return null;
  }
  const ids: Record<string, string> = {};
  for (const [index, our] of ours.entries()) {
    const level = levels[index] ?? "";
    if (our.startsWith("{")) {
      if (!isSlug(level)) {
        return null;
      }
      ids[our.slice(1, -1)] = level;
    } else if (our !== level) {
      return null;
    }
  }
  return ids;
}
