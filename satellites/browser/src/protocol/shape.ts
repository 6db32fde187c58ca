// What messages look like, as data: by it they are read, checked and written (see codec.ts).

/** One field's type. Lengths count characters, bytes or items. */
export type Of =
  | { readonly kind: "boolean" }
  | { readonly kind: "integer"; readonly min?: number; readonly max?: number }
  | { readonly kind: "number"; readonly min?: number; readonly max?: number }
  | { readonly kind: "string"; readonly max?: number; readonly pattern?: string }
  | { readonly kind: "bytes"; readonly max?: number }
  | { readonly kind: "choice"; readonly of: readonly string[] }
  | { readonly kind: "list"; readonly of: Of; readonly max?: number }
  | { readonly kind: "map"; readonly of: Of; readonly max?: number }
  | { readonly kind: "nullable"; readonly of: Of }
  | { readonly kind: "record"; readonly of: Shape<unknown> }
  | { readonly kind: "anything" };

export interface Field {
  readonly name: string;
  readonly of: Of;
  /** What it has when it is left out; absent: it must not be. */
  readonly default?: unknown;
}

/** A message or a record inside one. `T` is its interface; nothing of it is left at run time. */
export interface Shape<T> {
  readonly name: string;
  /** The value of its `type` field, where several messages share a topic. */
  readonly tag?: string;
  /** It travels as an array of its fields, in order. */
  readonly array?: true;
  /** Fields that have their defaults travel, too. */
  readonly whole?: true;
  readonly fields: readonly Field[];
  readonly __message?: T;
}

/** One row of the table of topics. */
export interface Topic<T> {
  readonly name: string;
  /** Below the root, with ids in braces: `sat/{satellite}/do`. */
  readonly pattern: string;
  readonly shapes: readonly Shape<unknown>[];
  readonly encoding: "msgpack" | "json";
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** MQTT 5 message expiry, seconds. */
  readonly expiryS: number | null;
  readonly limitBytes: number;
  readonly __payload?: T;
}
