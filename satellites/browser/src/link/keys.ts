// This browser's account at the broker: asked for once, kept, and asked for anew when it is refused.

import { isSlug, newId } from "../protocol/topic";
import type { Account, Newcomer } from "./access";

const ACCOUNT_KEY = "antiphon.account";
const SERIAL_KEY = "antiphon.serial";
/** A new account is known to the broker a moment later: a first refusal may mean only that. */
const REFUSALS_BORNE = 3;
const NONE: Account = { username: "", password: "" };

export class Keys {
  readonly #store: Storage;
  readonly #ask: (newcomer: Newcomer) => Promise<Account>;
  #refusals = 0;

  constructor(store: Storage, ask: (newcomer: Newcomer) => Promise<Account>) {
    this.#store = store;
    this.#ask = ask;
  }

  /**
   * Return the account to connect with.
   *
   * @throws Error as asking for one does.
   */
  async account(needed: boolean, who: Omit<Newcomer, "serial">): Promise<Account> {
    if (!needed) {
      return NONE;
    }
    const kept = this.#kept(who.satellite);
    if (kept !== null && this.#refusals < REFUSALS_BORNE) {
      return kept;
    }
    const given = await this.#ask({ ...who, serial: this.#serial() });
    this.#refusals = 0;
    this.#store.setItem(ACCOUNT_KEY, JSON.stringify({ satellite: who.satellite, ...given }));
    return given;
  }

  /** The broker refused the account. */
  refused(): void {
    this.#refusals += 1;
  }

  /** The broker took it. */
  taken(): void {
    this.#refusals = 0;
  }

  #kept(satellite: string): Account | null {
    try {
      const kept = JSON.parse(this.#store.getItem(ACCOUNT_KEY) ?? "null") as (Account & { satellite: string }) | null;
      const whole = kept !== null && typeof kept.username === "string" && typeof kept.password === "string";
      return whole && kept.satellite === satellite ? { username: kept.username, password: kept.password } : null;
    } catch {
      return null; // somebody else's, or damaged: a new one is asked for
    }
  }

  #serial(): string {
    const kept = this.#store.getItem(SERIAL_KEY);
    if (kept !== null && isSlug(kept)) {
      return kept;
    }
    const made = newId("browser");
    this.#store.setItem(SERIAL_KEY, made);
    return made;
  }
}
