/** Every key of the embedded store. The first byte is the kind; numbers are big-endian, so that keys sort like them. */

export const Kind = {
  token: 0x74,
  current: 0x64,
  private: 0x70,
  broadcast: 0x62,
  broadcastLog: 0x42,
  retainedPrivate: 0x72,
  retainedBroadcast: 0x52,
  privateId: 0x69,
  broadcastId: 0x49,
  expiry: 0x78,
  secret: 0x73,
} as const

const NUMBER_BYTES = 6
/** Names hold no control characters, so this ends one without doubt. */
const END = Buffer.from([0])
const LAST = 2 ** 48 - 1

function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(NUMBER_BYTES)
  bytes.writeUIntBE(Math.min(value, LAST), 0, NUMBER_BYTES)
  return bytes
}

function key(kind: number, ...parts: (string | Buffer)[]): Buffer {
  return Buffer.concat([
    Buffer.from([kind]),
    ...parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
  ])
}

/** Record of a token id. */
export function tokenKey(tokenId: string): Buffer {
  return key(Kind.token, tokenId)
}

/** Token id of the account that is current for an app on a device. */
export function currentKey(app: string, device: string): Buffer {
  return key(Kind.current, app, END, device)
}

/** A message of a private log. */
export function privateKey(tokenId: string, offset: number): Buffer {
  return key(Kind.private, tokenId, number(offset))
}

/** A message of an app's broadcast log. */
export function broadcastKey(app: string, offset: number): Buffer {
  return key(Kind.broadcast, app, END, number(offset))
}

/** Record of an app's broadcast log. */
export function broadcastLogKey(app: string): Buffer {
  return key(Kind.broadcastLog, app)
}

/** The last retained message of a private topic. */
export function retainedPrivateKey(tokenId: string): Buffer {
  return key(Kind.retainedPrivate, tokenId)
}

/** The last retained broadcast of a selector. */
export function retainedBroadcastKey(app: string, selector: string): Buffer {
  return key(Kind.retainedBroadcast, app, END, selector)
}

/** All retained broadcasts of an app. */
export function retainedBroadcastRange(app: string): { gte: Buffer; lt: Buffer } {
  const prefix = key(Kind.retainedBroadcast, app, END)
  return { gte: prefix, lt: key(Kind.retainedBroadcast, app, Buffer.from([1])) }
}

/** Offset of a message id in a private log. */
export function privateIdKey(tokenId: string, id: string): Buffer {
  return key(Kind.privateId, tokenId, id)
}

/** Offset of a message id in a broadcast log. */
export function broadcastIdKey(app: string, id: string): Buffer {
  return key(Kind.broadcastId, app, END, id)
}

/** What expires at a time: the key of it follows. */
export function expiryKey(at: number, of: Buffer): Buffer {
  return key(Kind.expiry, number(Math.max(0, at)), of)
}

export function parseExpiryKey(expiry: Buffer): { at: number; of: Buffer } {
  return { at: expiry.readUIntBE(1, NUMBER_BYTES), of: expiry.subarray(1 + NUMBER_BYTES) }
}

/** What has expired at `now`. */
export function expiredRange(now: number): { gte: Buffer; lte: Buffer } {
  return { gte: key(Kind.expiry, number(0)), lte: key(Kind.expiry, number(now), Buffer.alloc(1, 0xff)) }
}

/** Token id and offset of a private entry's key. */
export function parsePrivateKey(entry: Buffer): { tokenId: string; offset: number } {
  const end = entry.length - NUMBER_BYTES
  return { tokenId: entry.toString('utf8', 1, end), offset: entry.readUIntBE(end, NUMBER_BYTES) }
}

/** App and offset of a broadcast entry's key. */
export function parseBroadcastKey(entry: Buffer): { app: string; offset: number } {
  const end = entry.length - NUMBER_BYTES
  return { app: entry.toString('utf8', 1, end - 1), offset: entry.readUIntBE(end, NUMBER_BYTES) }
}

/** Name of what a key is for, where that is all that follows the kind. */
export function parseName(named: Buffer): string {
  return named.toString('utf8', 1)
}

/** App and selector of a retained broadcast's key. */
export function parseRetainedBroadcastKey(retained: Buffer): { app: string; selector: string } {
  const end = retained.indexOf(0, 1)
  return { app: retained.toString('utf8', 1, end), selector: retained.toString('utf8', end + 1) }
}

export function secretKey(name: string): Buffer {
  return key(Kind.secret, name)
}
