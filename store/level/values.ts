/** Every value of the embedded store, as bytes: fields in a fixed order, numbers as LEB128. */
import type { BroadcastEntry, LogEntry } from '../contract.ts'
import { decodeSelector, encodeSelector } from '../../topics/index.ts'

/** What is kept of a token id. */
export interface TokenRow {
  app: string
  device: string
  account: string
  generation: number
  revoked: boolean
  /** Of its app and device. */
  current: boolean
  /** The newest JWT's end. */
  expiresAt: number
  lastOffset: number
  /** The private cursor; everything up to it is gone from the log. */
  cursor: number
  broadcastCursor: number
  /** Pending entries, and their payload bytes. */
  count: number
  bytes: number
  epoch: number
  open: boolean
  state: Uint8Array | undefined
  /** 0 for never. */
  stateExpiresAt: number
}

/** What is kept of an app's broadcast log. */
export interface BroadcastRow {
  lastOffset: number
  /** Everything below is gone. */
  first: number
  count: number
  bytes: number
}

class Out {
  #bytes = Buffer.allocUnsafe(256)
  #length = 0

  number(value: number): this {
    let rest = value
    this.#room(10)
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
    return this
  }

  flag(value: boolean): this {
    return this.number(value ? 1 : 0)
  }

  blob(value: Uint8Array): this {
    this.number(value.byteLength)
    this.#room(value.byteLength)
    this.#bytes.set(value, this.#length)
    this.#length += value.byteLength
    return this
  }

  text(value: string): this {
    return this.blob(Buffer.from(value, 'utf8'))
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #room(size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + size))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

class In {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  number(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes.readUInt8(this.#at++)
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  flag(): boolean {
    return this.number() === 1
  }

  blob(): Buffer {
    const length = this.number()
    if (this.#at + length > this.#bytes.length) throw new RangeError('a value of the store is cut short')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  text(): string {
    return this.blob().toString('utf8')
  }
}

export function encodeToken(row: TokenRow): Buffer {
  return new Out()
    .text(row.app)
    .text(row.device)
    .text(row.account)
    .number(row.generation)
    .flag(row.revoked)
    .flag(row.current)
    .number(row.expiresAt)
    .number(row.lastOffset)
    .number(row.cursor)
    .number(row.broadcastCursor)
    .number(row.count)
    .number(row.bytes)
    .number(row.epoch)
    .flag(row.open)
    .flag(row.state !== undefined)
    .blob(row.state ?? new Uint8Array())
    .number(row.stateExpiresAt)
    .done()
}

export function decodeToken(bytes: Uint8Array): TokenRow {
  const from = new In(bytes)
  const row = {
    app: from.text(),
    device: from.text(),
    account: from.text(),
    generation: from.number(),
    revoked: from.flag(),
    current: from.flag(),
    expiresAt: from.number(),
    lastOffset: from.number(),
    cursor: from.number(),
    broadcastCursor: from.number(),
    count: from.number(),
    bytes: from.number(),
    epoch: from.number(),
    open: from.flag(),
  }
  const hasState = from.flag()
  const state = from.blob()
  return { ...row, state: hasState ? Buffer.from(state) : undefined, stateExpiresAt: from.number() }
}

export function encodeBroadcastLog(row: BroadcastRow): Buffer {
  return new Out().number(row.lastOffset).number(row.first).number(row.count).number(row.bytes).done()
}

export function decodeBroadcastLog(bytes: Uint8Array): BroadcastRow {
  const from = new In(bytes)
  return { lastOffset: from.number(), first: from.number(), count: from.number(), bytes: from.number() }
}

export function encodeEntry(entry: LogEntry): Buffer {
  return messageOut(entry).done()
}

export function decodeEntry(bytes: Uint8Array): LogEntry {
  return messageIn(new In(bytes))
}

export function encodeBroadcastEntry(entry: BroadcastEntry): Buffer {
  return messageOut(entry).text(encodeSelector(entry.selector)).done()
}

export function decodeBroadcastEntry(bytes: Uint8Array): BroadcastEntry {
  const from = new In(bytes)
  return { ...messageIn(from), selector: decodeSelector(from.text()) }
}

/** Where a message id was stored, and until when that is remembered. */
export function encodeSeen(seen: { offset: number; until: number }): Buffer {
  return new Out().number(seen.offset).number(seen.until).done()
}

export function decodeSeen(bytes: Uint8Array): { offset: number; until: number } {
  const from = new In(bytes)
  return { offset: from.number(), until: from.number() }
}

function messageOut(entry: LogEntry): Out {
  return new Out()
    .number(entry.offset)
    .number(entry.storedAt)
    .number(entry.expiresAt)
    .flag(entry.retain)
    .text(entry.id)
    .flag(entry.properties !== undefined)
    .blob(entry.properties ?? new Uint8Array())
    .blob(entry.payload)
}

function messageIn(from: In): LogEntry {
  const offset = from.number()
  const storedAt = from.number()
  const expiresAt = from.number()
  const retain = from.flag()
  const id = from.text()
  const hasProperties = from.flag()
  const properties = from.blob()
  const payload = from.blob()
  return { offset, storedAt, expiresAt, retain, id, payload, ...(hasProperties ? { properties } : {}) }
}
