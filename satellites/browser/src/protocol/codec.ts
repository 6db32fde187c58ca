// Bytes to messages and back. `decode` throws DecodeError and nothing else, whatever the bytes are.

import { decode as unpack } from "@msgpack/msgpack";

import { DecodeError, EncodeError, UnknownMessageError } from "./errors";
import { Packer } from "./packer";
import type { Field, Of, Shape, Topic } from "./shape";

type Tree = Readonly<Record<string, unknown>>;

/**
 * Return the message that the bytes hold, its defaults filled in.
 *
 * @throws DecodeError damaged, too long, or none of the topic's messages.
 * @throws UnknownMessageError well formed, but of a kind that this version does not know.
 */
export function decode<T>(topic: Topic<T>, payload: Uint8Array): T {
  if (payload.length > topic.limitBytes) {
    throw new DecodeError(`${payload.length} bytes, at most ${topic.limitBytes} are taken`);
  }
  return complete(topic, parsed(topic, payload));
}

/**
 * Return a message of the topic made of a plain tree: checked, its defaults filled in.
 *
 * @throws DecodeError the tree is none of the topic's messages.
 */
export function complete<T>(topic: Topic<T>, tree: unknown): T {
  const [only] = topic.shapes;
  if (topic.shapes.length === 1 && only !== undefined) {
    return record(only, tree, only.name) as T;
  }
  const tag = isTree(tree) ? tree["type"] : undefined;
  if (typeof tag !== "string") {
    throw new DecodeError(`${topic.name}: a map with a type was expected`);
  }
  const shape = topic.shapes.find((one) => one.tag === tag);
  if (shape === undefined) {
    throw new UnknownMessageError(`${topic.name}: no message is called ${JSON.stringify(tag.slice(0, 80))}`);
  }
  return record(shape, tree, shape.name) as T;
}

/**
 * Return the message's bytes: the same that Python writes, to the byte in MessagePack.
 *
 * @throws EncodeError it is over the topic's limit, or not of the topic.
 */
export function encode<T>(topic: Topic<T>, message: T): Uint8Array {
  const given = message as Tree;
  const shape =
    topic.shapes.length === 1
      ? topic.shapes[0]
      : topic.shapes.find((one) => one.tag === given["type"]);
  if (shape === undefined) {
    throw new EncodeError(`${topic.name}: not a message of this topic`);
  }
  const payload =
    topic.encoding === "msgpack"
      ? packed(shape, given)
      : new TextEncoder().encode(JSON.stringify(plain(shape, given)));
  if (payload.length > topic.limitBytes) {
    throw new EncodeError(`${shape.name} takes ${payload.length} bytes, the limit is ${topic.limitBytes}`);
  }
  return payload;
}

// -- reading ------------------------------------------------------------------------------------

function parsed(topic: Topic<unknown>, payload: Uint8Array): unknown {
  try {
    return topic.encoding === "msgpack"
      ? unpack(payload, { useBigInt64: true })
      : JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (error) {
    throw new DecodeError(String(error));
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function record(shape: Shape<unknown>, value: unknown, at: string): unknown {
  const result: Record<string, unknown> = {};
  if (shape.tag !== undefined) {
    result["type"] = shape.tag;
  }
  if (shape.array === true) {
    if (!Array.isArray(value)) {
      throw new DecodeError(`${at}: an array was expected`);
    }
    for (const [index, field] of shape.fields.entries()) {
      result[field.name] = taken(field, index < value.length ? value[index] : undefined, at);
    }
    checkRecord(shape, result);
    return result;
  }
  if (!isTree(value)) {
    throw new DecodeError(`${at}: a map was expected`);
  }
  for (const field of shape.fields) {
    result[field.name] = taken(field, Object.hasOwn(value, field.name) ? value[field.name] : undefined, at);
  }
  return result;
}

function taken(field: Field, value: unknown, at: string): unknown {
  if (value !== undefined) {
    return checked(field.of, value, `${at}.${field.name}`);
  }
  if (field.default === undefined) {
    throw new DecodeError(`${at}.${field.name} is missing`);
  }
  return field.default;
}

function checkRecord(shape: Shape<unknown>, value: Tree): void {
  // What no single field can tell (Python's `__post_init__`).
  const pcm = value["pcm"];
  if (shape.name === "AudioFrame" && pcm instanceof Uint8Array) {
    if (pcm.length % 2 !== 0) {
      throw new DecodeError(`frame of ${pcm.length} bytes holds half a sample`);
    }
    if (pcm.length === 0 && value["last"] !== true) {
      throw new DecodeError("empty frame in mid-stream");
    }
  }
  if (shape.name === "OpusFrame") {
    const { packets, samples, last } = value as { packets: unknown[]; samples: number; last: boolean };
    if (packets.length > 0 !== samples > 0) {
      throw new DecodeError(`${packets.length} packets for ${samples} samples`);
    }
    if (packets.length === 0 && !last) {
      throw new DecodeError("empty frame in mid-stream");
    }
  }
  if (shape.name === "VersionRange") {
    const { oldest, newest } = value as { oldest: number; newest: number };
    if (!(oldest > 0 && oldest <= newest)) {
      throw new DecodeError(`version range [${oldest}, ${newest}] is empty or not positive`);
    }
  }
}

function checked(of: Of, value: unknown, at: string): unknown {
  switch (of.kind) {
    case "anything":
      return plainIntegers(value);
    case "boolean":
      return wanted(typeof value === "boolean", value, at, "a boolean");
    case "integer":
    case "number":
      return numeric(of, value, at);
    case "string":
      return text(of, value, at);
    case "bytes": {
      const long = value instanceof Uint8Array && value.length > (of.max ?? Infinity);
      return wanted(value instanceof Uint8Array && !long, value, at, `at most ${of.max} bytes`);
    }
    case "choice":
      return wanted(of.of.includes(value as string), value, at, `one of ${of.of.join(", ")}`);
    case "nullable":
      return value === null ? null : checked(of.of, value, at);
    case "record":
      return record(of.of, value, at);
    case "list":
      wanted(Array.isArray(value) && value.length <= (of.max ?? Infinity), value, at, "a list");
      return (value as unknown[]).map((item, index) => checked(of.of, item, `${at}[${index}]`));
    case "map": {
      wanted(isTree(value), value, at, "a map");
      const entries = Object.entries(value as Tree);
      wanted(entries.length <= (of.max ?? Infinity), value, at, `at most ${of.max} items`);
      return Object.fromEntries(entries.map(([key, one]) => [key, checked(of.of, one, `${at}.${key}`)]));
    }
  }
}

function wanted(right: boolean, value: unknown, at: string, what: string): unknown {
  if (!right) {
    throw new DecodeError(`${at}: ${what} was expected`);
  }
  return value;
}

function numeric(of: Of & { kind: "integer" | "number" }, value: unknown, at: string): number {
  // Beyond 2^53 a number would be another one: no time or position of a living house is.
  const number = typeof value === "bigint" ? Number(value) : value;
  const fits =
    typeof number === "number" &&
    (of.kind === "integer" ? Number.isSafeInteger(number) : true) &&
    number >= (of.min ?? -Infinity) &&
    number <= (of.max ?? Infinity);
  wanted(fits, value, at, of.kind === "integer" ? "an integer in its range" : "a number in its range");
  return number as number;
}

function text(of: Of & { kind: "string" }, value: unknown, at: string): string {
  const fits =
    typeof value === "string" &&
    (of.max === undefined || value.length <= of.max || [...value].length <= of.max) &&
    (of.pattern === undefined || new RegExp(of.pattern).test(value));
  wanted(fits, value, at, "a text of its kind");
  return value as string;
}

function plainIntegers(value: unknown): unknown {
  if (typeof value === "bigint") {
    return Number(value);
  }
  if (Array.isArray(value)) {
    return value.map(plainIntegers);
  }
  if (isTree(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainIntegers(one)]));
  }
  return value;
}

// -- writing ------------------------------------------------------------------------------------

function packed(shape: Shape<unknown>, message: Tree): Uint8Array {
  const packer = new Packer();
  pack(packer, { kind: "record", of: shape }, message);
  return packer.bytes();
}

/** Return the fields that travel. */
function told(shape: Shape<unknown>, message: Tree): Field[] {
  const differs = (field: Field): boolean =>
    field.default === undefined || !alike(field.default, message[field.name]);
  return shape.fields.filter((field) => shape.whole === true || differs(field));
}

function alike(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function pack(packer: Packer, of: Of, value: unknown): void {
  switch (of.kind) {
    case "record":
      packRecord(packer, of.of, value as Tree);
      break;
    case "number":
      packer.float(value as number);
      break;
    case "nullable":
      if (value === null) {
        packer.any(null);
      } else {
        pack(packer, of.of, value);
      }
      break;
    case "list":
      packer.arrayOf((value as unknown[]).length);
      (value as unknown[]).forEach((item) => pack(packer, of.of, item));
      break;
    case "map": {
      const entries = Object.entries(value as Tree);
      packer.mapOf(entries.length);
      for (const [key, item] of entries) {
        packer.any(key);
        pack(packer, of.of, item);
      }
      break;
    }
    default:
      packer.any(value);
  }
}

function packRecord(packer: Packer, shape: Shape<unknown>, message: Tree): void {
  const fields = told(shape, message);
  if (shape.array === true) {
    packer.arrayOf(fields.length);
    fields.forEach((field) => pack(packer, field.of, message[field.name]));
    return;
  }
  packer.mapOf(fields.length + (shape.tag === undefined ? 0 : 1));
  if (shape.tag !== undefined) {
    packer.any("type");
    packer.any(shape.tag);
  }
  for (const field of fields) {
    packer.any(field.name);
    pack(packer, field.of, message[field.name]);
  }
}

function plain(shape: Shape<unknown>, message: Tree): unknown {
  const result: Record<string, unknown> = shape.tag === undefined ? {} : { type: shape.tag };
  for (const field of told(shape, message)) {
    result[field.name] = plainValue(field.of, message[field.name]);
  }
  return result;
}

function plainValue(of: Of, value: unknown): unknown {
  if (of.kind === "record") {
    return plain(of.of, value as Tree);
  }
  if (of.kind === "list") {
    return (value as unknown[]).map((item) => plainValue(of.of, item));
  }
  return value;
}
