// The connection to the broker: MQTT 5 over a WebSocket of the console. Comes back by itself.

import mqtt from "mqtt";
import type { IClientOptions, IPublishPacket, MqttClient } from "mqtt";

import { decode, encode } from "../protocol/codec";
import { DecodeError, UnknownMessageError } from "../protocol/errors";
import { MESSAGE_BYTES_MAX } from "../protocol/generated";
import type { Topic } from "../protocol/shape";
import { matchTopic, pathOf } from "../protocol/topic";
import type { Ids } from "../protocol/topic";
import type { Account } from "./access";
import { NotAdmittedError, SignedOutError } from "./access";
import { LinkDownError } from "./link";
import type { Link, Take } from "./link";

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5000;
/** Browsers let timers of a page in the background run once a minute; that the browser itself is
 * gone is seen sooner, by the console's WebSocket pings. */
const KEEPALIVE_S = 90;
const CONTENT_TYPES = { msgpack: "application/vnd.msgpack", json: "application/json" } as const;

/** What is said for us when the connection breaks. */
export interface Will {
  readonly topic: Topic<never> | Topic<unknown>;
  readonly path: string;
  readonly payload: Uint8Array;
}

/** How the connection is: `signed-out` wants a person, all others mend themselves. */
export type LinkState = "connecting" | "connected" | "lost" | "signed-out" | "refused";

interface Handler {
  readonly topic: Topic<unknown>;
  readonly path: string;
  readonly take: Take<unknown>;
}

export interface LinkHooks {
  /** Asked before each connection for the broker's address and our account there. */
  readonly access: () => Promise<Account & { readonly url: string }>;
  /** Asked for each connection. */
  readonly will: () => Will;
  /** Called with each change, and why. */
  readonly changed: (state: LinkState, why: string) => void;
}

export class BrokerLink implements Link {
  readonly counts = { connections: 0, posts_lost: 0, messages_dropped: 0 };
  readonly #clientId: string;
  readonly #hooks: LinkHooks;
  readonly #lasting: Handler[] = [];
  readonly #following = new Set<Handler>();
  #client: MqttClient | null = null;
  #up = false;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #stopped = true;

  constructor(clientId: string, hooks: LinkHooks) {
    this.#clientId = clientId;
    this.#hooks = hooks;
  }

  on<T>(topic: Topic<T>, ids: Ids, take: Take<T>): void {
    this.#lasting.push({ topic, path: pathOf(topic, ids), take: take as Take<unknown> });
  }

  /** Connect, and stay connected until `stop`. */
  start(): void {
    this.#stopped = false;
    void this.#connect();
  }

  /** Connect at once, if it was waiting to try again: the network is back, or somebody signed in. */
  hurry(): void {
    if (!this.#stopped && this.#client === null && this.#retry !== undefined) {
      clearTimeout(this.#retry);
      this.#attempt = 0;
      void this.#connect();
    }
  }

  /** Disconnect; what was posted before goes out first. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#client?.end(false);
    this.#client = null;
    this.#up = false;
  }

  post<T>(topic: Topic<T>, ids: Ids, message: T): void {
    if (!this.#up || this.#client === null) {
      this.counts.posts_lost += 1;
      return;
    }
    const payload = encode(topic, message) as Buffer;
    const expiry = topic.expiryS === null ? {} : { messageExpiryInterval: topic.expiryS };
    // Audio frames carry no properties: they are many, and say it all themselves.
    const properties = topic.qos === 0 ? {} : { contentType: CONTENT_TYPES[topic.encoding], ...expiry };
    this.#client.publish(pathOf(topic, ids), payload, { qos: topic.qos, retain: topic.retain, properties });
  }

  async follow<T>(topic: Topic<T>, ids: Ids, take: Take<T>): Promise<() => void> {
    const client = this.#client;
    if (!this.#up || client === null) {
      throw new LinkDownError("not connected");
    }
    const handler: Handler = { topic, path: pathOf(topic, ids), take: take as Take<unknown> };
    this.#following.add(handler);
    try {
      await client.subscribeAsync(handler.path, { qos: topic.qos });
    } catch (error) {
      this.#following.delete(handler);
      throw new LinkDownError(String(error));
    }
    return () => {
      this.#following.delete(handler);
      if (this.#client === client && this.#up) {
        client.unsubscribe(handler.path);
      }
    };
  }

  // -- inside -------------------------------------------------------------------------------------

  async #connect(): Promise<void> {
    this.#retry = undefined;
    this.#hooks.changed("connecting", "");
    let access: Account & { readonly url: string };
    try {
      access = await this.#hooks.access();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const refused = error instanceof NotAdmittedError ? "refused" : "lost";
      this.#again(error instanceof SignedOutError ? "signed-out" : refused, why);
      return;
    }
    if (this.#stopped) {
      return;
    }
    this.#begin(mqtt.connect(access.url, this.#options(access)));
  }

  #options(access: Account): IClientOptions {
    const will = this.#hooks.will();
    return {
      clientId: this.#clientId,
      protocolVersion: 5,
      clean: true,
      keepalive: KEEPALIVE_S,
      connectTimeout: 5000,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      // Timers in a worker need a script from a blob, which the console's policy forbids.
      timerVariant: "native",
      ...(access.username === "" ? {} : { username: access.username, password: access.password }),
      properties: { sessionExpiryInterval: 0, maximumPacketSize: 2 * MESSAGE_BYTES_MAX },
      will: {
        topic: will.path,
        payload: will.payload as Buffer,
        qos: will.topic.qos,
        retain: will.topic.retain,
        properties: { contentType: CONTENT_TYPES[will.topic.encoding] },
      },
    };
  }

  #begin(client: MqttClient): void {
    let why = "the connection broke";
    this.#client = client;
    client.on("connect", () => void this.#connected(client));
    client.on("message", (path, payload, packet) => this.#take(path, payload, packet));
    client.on("error", (error) => {
      why = error.message;
    });
    client.on("close", () => {
      if (this.#client === client) {
        this.#client = null;
        this.#up = false;
        client.end(true);
        this.#following.clear();
        this.#again(/authori[sz]ed|password/i.test(why) ? "refused" : "lost", why);
      }
    });
  }

  async #connected(client: MqttClient): Promise<void> {
    this.counts.connections += 1;
    this.#up = true;
    try {
      for (const { path, topic } of this.#lasting) {
        await client.subscribeAsync(path, { qos: topic.qos });
      }
    } catch {
      client.end(true); // the connection broke meanwhile, and is made again
      return;
    }
    if (this.#client === client) {
      this.#attempt = 0;
      this.#hooks.changed("connected", "");
    }
  }

  #again(state: LinkState, why: string): void {
    this.#hooks.changed(state, why);
    if (this.#stopped) {
      return;
    }
    const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#attempt, 10));
    this.#attempt += 1;
    this.#retry = setTimeout(() => void this.#connect(), ceiling * (0.5 + 0.5 * Math.random()));
  }

  #take(path: string, payload: Uint8Array, packet: IPublishPacket): void {
    for (const handler of [...this.#lasting, ...this.#following]) {
      if (handler.path === path && matchTopic(handler.topic, path) !== null) {
        this.#hand(handler, payload, packet.retain);
      }
    }
  }

  #hand(handler: Handler, payload: Uint8Array, retained: boolean): void {
    if (payload.length === 0) {
      return; // a retained message was cleared
    }
    let message: unknown;
    try {
      message = decode(handler.topic, payload);
    } catch (error) {
      if (!(error instanceof DecodeError)) {
        throw error;
      }
      this.counts.messages_dropped += 1;
      const kind = error instanceof UnknownMessageError ? "unknown" : "damaged";
      console.debug(`${kind} message on ${handler.topic.name}: ${error.message}`);
      return;
    }
    handler.take(message, retained);
  }
}
