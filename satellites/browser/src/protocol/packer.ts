// Writes MessagePack so that it is the same to the byte as the house's other programs write it:
// the shortest form of every number, and 64-bit floats where a field is a float.

const utf8 = new TextEncoder();

export class Packer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Return what was written. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  mapOf(count: number): void {
    this.#head(count, 0x80, 15, [0xde, 0xdf]);
  }

  arrayOf(count: number): void {
    this.#head(count, 0x90, 15, [0xdc, 0xdd]);
  }

  float(value: number): void {
    const at = this.#room(9);
    this.#view.setUint8(at, 0xcb);
    this.#view.setFloat64(at + 1, value);
  }

  /** Write a plain value: null, boolean, number, string, bytes, list or map of those. */
  any(value: unknown): void {
    if (value === null || value === undefined) {
      this.#byte(0xc0);
    } else if (typeof value === "boolean") {
      this.#byte(value ? 0xc3 : 0xc2);
    } else if (typeof value === "number") {
      this.#number(value);
    } else if (typeof value === "string") {
      this.#string(value);
    } else if (value instanceof Uint8Array) {
      this.#binary(value);
    } else if (Array.isArray(value)) {
      this.arrayOf(value.length);
      value.forEach((item) => this.any(item));
    } else {
      const entries = Object.entries(value as Record<string, unknown>);
      this.mapOf(entries.length);
      for (const [key, item] of entries) {
        this.any(key);
        this.any(item);
      }
    }
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value)) {
      this.float(value);
    } else if (value >= 0) {
      this.#unsigned(value);
    } else {
      this.#negative(value);
    }
  }

  #unsigned(value: number): void {
    if (value < 0x80) {
      this.#byte(value);
    } else if (value < 0x100) {
      this.#byte(0xcc);
      this.#byte(value);
    } else if (value < 0x10000) {
      this.#byte(0xcd);
      const at = this.#room(2);
      this.#view.setUint16(at, value);
    } else if (value < 0x100000000) {
      this.#byte(0xce);
      const at = this.#room(4);
      this.#view.setUint32(at, value);
    } else {
      this.#byte(0xcf);
      const at = this.#room(8);
      this.#view.setBigUint64(at, BigInt(value));
    }
  }

  #negative(value: number): void {
    if (value >= -0x20) {
      this.#byte(value & 0xff);
    } else if (value >= -0x80) {
      this.#byte(0xd0);
      this.#byte(value & 0xff);
    } else if (value >= -0x8000) {
      this.#byte(0xd1);
      const at = this.#room(2);
      this.#view.setInt16(at, value);
    } else if (value >= -0x80000000) {
      this.#byte(0xd2);
      const at = this.#room(4);
      this.#view.setInt32(at, value);
    } else {
      this.#byte(0xd3);
      const at = this.#room(8);
      this.#view.setBigInt64(at, BigInt(value));
    }
  }

  #string(text: string): void {
    const encoded = utf8.encode(text);
    if (encoded.length >= 32 && encoded.length < 256) {
      this.#byte(0xd9);
      this.#byte(encoded.length);
    } else {
      this.#head(encoded.length, 0xa0, 31, [0xda, 0xdb]);
    }
    this.#write(encoded);
  }

  #binary(value: Uint8Array): void {
    if (value.length < 256) {
      this.#byte(0xc4);
      this.#byte(value.length);
    } else {
      this.#head(value.length, 0, -1, [0xc5, 0xc6]);
    }
    this.#write(value);
  }

  #head(count: number, short: number, shortMax: number, long: readonly [number, number]): void {
    if (count <= shortMax) {
      this.#byte(short | count);
    } else if (count < 0x10000) {
      this.#byte(long[0]);
      const at = this.#room(2);
      this.#view.setUint16(at, count);
    } else {
      this.#byte(long[1]);
      const at = this.#room(4);
      this.#view.setUint32(at, count);
    }
  }

  #byte(value: number): void {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
  }

  #write(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Make room for so many bytes; return where they go. */
  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
