/** Reads fields of a Protocol Buffers message by number, as far as the tests need. */

export class Fields {
  readonly #values = new Map<number, (bigint | Buffer)[]>()

  constructor(bytes: Buffer) {
    let at = 0
    const varint = () => {
      let value = 0n
      for (let shift = 0n; ; shift += 7n) {
        const byte = bytes[at++]
        if (byte === undefined) throw new Error('the message ends in the middle of a number')
        value |= BigInt(byte & 0x7f) << shift
        if (byte < 0x80) return value
      }
    }
    const take = (length: number) => {
      if (at + length > bytes.length) throw new Error('the message ends in the middle of a field')
      at += length
      return bytes.subarray(at - length, at)
    }
    while (at < bytes.length) {
      const key = Number(varint())
      const type = key & 7
      if (![0, 1, 2, 5].includes(type)) throw new Error(`there is no wire type ${type}`)
      const value = type === 0 ? varint() : take(type === 1 ? 8 : type === 5 ? 4 : Number(varint()))
      const field = key >> 3
      this.#values.set(field, [...(this.#values.get(field) ?? []), value])
    }
  }

  has(field: number): boolean {
    return this.#values.has(field)
  }

  bytes(field: number): Buffer | undefined {
    return this.#all(field).at(-1)
  }

  text(field: number): string {
    return this.bytes(field)?.toString() ?? ''
  }

  number(field: number): number {
    const value = this.#values.get(field)?.at(-1)
    return typeof value === 'bigint' ? Number(value) : 0
  }

  fixed64(field: number): bigint {
    return this.bytes(field)?.readBigUInt64LE() ?? 0n
  }

  double(field: number): number {
    return this.bytes(field)?.readDoubleLE() ?? 0
  }

  /** Reads a repeated field, packed or not. */
  fixed64s(field: number): bigint[] {
    return eights(this.#all(field)).map(each => each.readBigUInt64LE())
  }

  doubles(field: number): number[] {
    return eights(this.#all(field)).map(each => each.readDoubleLE())
  }

  message(field: number): Fields | undefined {
    const bytes = this.bytes(field)
    return bytes && new Fields(bytes)
  }

  messages(field: number): Fields[] {
    return this.#all(field).map(bytes => new Fields(bytes))
  }

  #all(field: number): Buffer[] {
    return (this.#values.get(field) ?? []).filter(value => Buffer.isBuffer(value))
  }
}

export function readFields(bytes: Buffer): Fields {
  return new Fields(bytes)
}

function eights(pieces: Buffer[]): Buffer[] {
  const whole = Buffer.concat(pieces)
  return Array.from({ length: whole.length / 8 }, (_, index) => whole.subarray(index * 8, index * 8 + 8))
}
