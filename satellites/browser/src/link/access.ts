// What this page asks the hub's console before it connects.

/** Nobody is signed in, or not any more. */
export class SignedOutError extends Error {
  override readonly name = "SignedOutError";
}

/** The house does not take this browser as that satellite; the message says why. */
export class NotAdmittedError extends Error {
  override readonly name = "NotAdmittedError";
}

/** What there is in the house, and the way to its broker. */
export interface HouseFacts {
  /** The home's name. */
  readonly site: string;
  /** Rooms by name. */
  readonly rooms: readonly string[];
  /** Where the broker is reached: `ws:` or `wss:`. */
  readonly url: string;
  /** Each browser needs an account of its own at the broker. */
  readonly accounts: boolean;
}

/** An account at the broker; both empty where none is needed. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

/** Who wants an account. */
export interface Newcomer {
  readonly satellite: string;
  readonly room: string;
  readonly host: string;
  /** This browser's own secret: it alone gets the id again. */
  readonly serial: string;
}

/**
 * Ask what there is in the house.
 *
 * @throws SignedOutError the console wants somebody to sign in.
 * @throws Error it cannot be reached, or answers what no console answers.
 */
export async function askHouse(): Promise<HouseFacts> {
  const answer = await ask("config.json", {});
  return factsFrom(await answer.json(), location.href);
}

/**
 * Ask for an account; an older one of this browser's ends.
 *
 * @throws SignedOutError the console wants somebody to sign in.
 * @throws NotAdmittedError the house does not take this browser.
 * @throws Error it cannot be reached, or answers what no console answers.
 */
export async function askAccount(newcomer: Newcomer): Promise<Account> {
  const answer = await ask("account.json", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(newcomer),
  });
  const told = treeOf(await answer.json());
  if (!answer.ok) {
    throw new NotAdmittedError(textOf(told, "error") || `the console answers ${answer.status}`);
  }
  return { username: textOf(told, "username"), password: textOf(told, "password") };
}

/** Return what the console's answer says; `page` is this page's address. */
export function factsFrom(answer: unknown, page: string): HouseFacts {
  const told = treeOf(answer);
  const url = new URL(textOf(told, "mqtt") || "mqtt", page);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const rooms = Array.isArray(told["rooms"]) ? told["rooms"].filter((one) => typeof one === "string") : [];
  return { site: textOf(told, "site"), rooms, url: url.href, accounts: told["accounts"] === true };
}

async function ask(path: string, request: RequestInit): Promise<Response> {
  const answer = await fetch(path, { ...request, credentials: "same-origin", cache: "no-store", redirect: "manual" });
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
    throw new SignedOutError("sign in to the console first");
  }
  if (!answer.ok && answer.status !== 409 && answer.status !== 422) {
    throw new Error(`the console answers ${answer.status}`);
  }
  return answer;
}

function treeOf(value: unknown): Readonly<Record<string, unknown>> {
  return (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
}

function textOf(tree: Readonly<Record<string, unknown>>, name: string): string {
  const value = tree[name];
  return typeof value === "string" ? value : "";
}
