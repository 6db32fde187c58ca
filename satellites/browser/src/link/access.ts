// What the hub's console tells this page before it connects.

/** The way to the broker, and what there is in the house. */
export interface Access {
  /** The home's name. */
  readonly site: string;
  /** Where the broker is reached: `ws:` or `wss:`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** This browser's id as a satellite, where pairing gave it one; empty: its own choice. */
  readonly satellite: string;
  /** Rooms by name. */
  readonly rooms: readonly string[];
}

/** Nobody is signed in, or not any more. */
export class SignedOutError extends Error {
  override readonly name = "SignedOutError";
}

/**
 * Ask the console.
 *
 * @throws SignedOutError the console wants somebody to sign in.
 * @throws Error it cannot be reached, or answers what no console answers.
 */
export async function askAccess(): Promise<Access> {
  const answer = await fetch("config.json", { credentials: "same-origin", cache: "no-store", redirect: "manual" });
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
    throw new SignedOutError("sign in to the console first");
  }
  if (!answer.ok) {
    throw new Error(`the console answers ${answer.status}`);
  }
  return accessFrom(await answer.json(), location.href);
}

/** Return what the console's answer says; `page` is this page's address. */
export function accessFrom(answer: unknown, page: string): Access {
  const told = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const text = (name: string): string => (typeof told[name] === "string" ? told[name] : "");
  const url = new URL(text("mqtt") || "mqtt", page);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const rooms = Array.isArray(told["rooms"]) ? told["rooms"].filter((one) => typeof one === "string") : [];
  return {
    site: text("site"),
    url: url.href,
    username: text("username"),
    password: text("password"),
    satellite: text("satellite"),
    rooms,
  };
}
