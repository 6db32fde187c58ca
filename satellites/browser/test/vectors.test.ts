import { readFileSync } from "node:fs";
import { join } from "node:path";

import { encode as otherPack } from "@msgpack/msgpack";
import { describe, expect, test } from "vitest";

import { complete, decode, encode } from "../src/protocol/codec";
import { DecodeError, UnknownMessageError } from "../src/protocol/errors";
import { TOPICS } from "../src/protocol/generated";
import type { Of, Shape, Topic } from "../src/protocol/shape";
import { matchTopic, pathOf } from "../src/protocol/topic";

interface Vector {
  readonly name: string;
  readonly type: string;
  readonly path: string;
  readonly encoding: string;
  readonly fields: unknown;
  readonly hex: string;
}

const FOLDER = join(import.meta.dirname, "../../../tests/protocol/vectors");
const BEYOND_NUMBERS = "9223372036854775807";

const vectors = TOPICS.flatMap((topic) => {
  const text = readFileSync(join(FOLDER, `${topic.name.toLowerCase()}.json`), "utf-8");
  return (JSON.parse(text) as Vector[]).map((vector) => ({
    id: `${topic.name}/${vector.name}`,
    topic,
    vector,
    tooLarge: text.includes(BEYOND_NUMBERS) && JSON.stringify(vector).includes("9223372036854776000"),
  }));
});
const usual = vectors.filter((one) => !one.tooLarge);

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Return the vector's fields with bytes in place of base64. */
function withBytes(topic: Topic<unknown>, fields: unknown, type: string): unknown {
  const shape = topic.shapes.find((one) => one.name === type);
  return shape === undefined ? fields : recordWithBytes(shape, fields);
}

function recordWithBytes(shape: Shape<unknown>, value: unknown): unknown {
  const at = (index: number, name: string): unknown =>
    shape.array === true ? (value as unknown[])[index] : (value as Record<string, unknown>)[name];
  const pairs = shape.fields
    .map((field, index) => [field, at(index, field.name)] as const)
    .filter(([, one]) => one !== undefined)
    .map(([field, one]) => [field.name, valueWithBytes(field.of, one)] as const);
  return shape.array === true
    ? pairs.map(([, one]) => one)
    : { ...(shape.tag === undefined ? {} : { type: shape.tag }), ...Object.fromEntries(pairs) };
}

function valueWithBytes(of: Of, value: unknown): unknown {
  if (of.kind === "bytes") {
    return new Uint8Array(Buffer.from(value as string, "base64"));
  }
  if (of.kind === "list") {
    return (value as unknown[]).map((one) => valueWithBytes(of.of, one));
  }
  return of.kind === "record" ? recordWithBytes(of.of, value) : value;
}

describe("golden vectors", () => {
  test("there are some for every message", () => {
    const wanted = TOPICS.flatMap((topic) => topic.shapes.map((shape) => `${topic.name}/${shape.name}`));
    expect(new Set(vectors.map(({ topic, vector }) => `${topic.name}/${vector.type}`))).toEqual(new Set(wanted));
  });

  test("only one holds a number that JavaScript cannot", () => {
    const beyond = vectors.filter((one) => one.tooLarge);
    expect(beyond.map((one) => one.id)).toHaveLength(1);
    for (const { topic, vector } of beyond) {
      expect(() => decode(topic, bytesOf(vector.hex))).toThrow(DecodeError);
    }
  });

  test.each(usual)("$id: the bytes decode to the fields", ({ topic, vector }) => {
    const message = decode(topic, bytesOf(vector.hex));
    expect(message).toEqual(complete(topic, withBytes(topic, vector.fields, vector.type)));
  });

  test.each(usual)("$id: the fields encode to the bytes", ({ topic, vector }) => {
    const message = complete(topic, withBytes(topic, vector.fields, vector.type));
    const payload = encode(topic, message);
    if (topic.encoding === "msgpack") {
      expect(Buffer.from(payload).toString("hex")).toBe(vector.hex);
    } else {
      const text = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
      expect(text(payload)).toEqual(text(bytesOf(vector.hex)));
    }
  });

  test.each(usual)("$id: its path is of the topic", ({ topic, vector }) => {
    const ids = matchTopic(topic, vector.path);
    expect(ids).not.toBeNull();
    expect(pathOf(topic, ids ?? {})).toBe(vector.path);
  });

  test.each(usual)("$id: every prefix and every tail is a decode error", ({ topic, vector }) => {
    const payload = bytesOf(vector.hex);
    for (let length = 0; length < payload.length; length += 1) {
      expect(() => decode(topic, payload.subarray(0, length))).toThrow(DecodeError);
    }
    expect(() => decode(topic, Uint8Array.of(...payload, 0))).toThrow(DecodeError);
  });

  test.each(usual)("$id: a flipped bit gives a message or a decode error", ({ topic, vector }) => {
    const payload = bytesOf(vector.hex);
    for (let bit = 0; bit < 8 * Math.min(payload.length, 120); bit += 1) {
      const at = bit >> 3;
      payload[at] = (payload[at] ?? 0) ^ (1 << (bit & 7));
      try {
        decode(topic, payload);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
      payload[at] = (payload[at] ?? 0) ^ (1 << (bit & 7));
    }
  });
});

describe("what comes from newer programs", () => {
  const shared = TOPICS.filter((topic) => topic.shapes.length > 1 && topic.encoding === "msgpack");

  test.each(shared)("$name: an unknown kind is told from damage", (topic) => {
    expect(() => decode(topic, otherPack({ type: "invented-in-version-two", job: "job-1" }))).toThrow(
      UnknownMessageError,
    );
    try {
      decode(topic, otherPack({ job: "job-1" }));
      expect.unreachable();
    } catch (error) {
      expect(error).not.toBeInstanceOf(UnknownMessageError);
    }
  });

  test("unknown fields are ignored", () => {
    const topic = TOPICS.find((one) => one.name === "SATELLITE_DO")!;
    const message = { type: "release", stream: "stream-1" };
    expect(decode(topic, otherPack({ ...message, more: { deep: [1, null] } }))).toEqual(message);
  });

  test("a prototype's name is no field", () => {
    const topic = TOPICS.find((one) => one.name === "SATELLITE_DO")!;
    expect(() => decode(topic, otherPack({ type: "constructor" }))).toThrow(UnknownMessageError);
  });
});

describe("topics", () => {
  const topic = TOPICS.find((one) => one.name === "SATELLITE_DO")!;

  test.each(["", "A", "a/b", "+", "#", "-a", "a\n", "a".repeat(65), "ä"])("%j is no id", (id) => {
    expect(() => pathOf(topic, { satellite: id })).toThrow(/is no id/);
  });

  test.each([{}, { room: "hall" }, { satellite: "hall", more: "x" }])("%j are other ids", (ids) => {
    expect(() => pathOf(topic, ids as Record<string, string>)).toThrow(/takes satellite/);
  });
});
