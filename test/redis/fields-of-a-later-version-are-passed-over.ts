// Is a message read that has fields which this version does not know, and one refused that has another form?
import { t } from '../support/tap.ts'
import { decodeBroadcast, decodeEntry, encodeEntry } from '../../store/redis/entry.ts'
import { decodeUpstream, encodeUpstream } from '../../store/redis/upstream-entry.ts'

const message = {
  id: 'an id',
  payload: Buffer.from('payload'),
  properties: Buffer.from([1, 1]),
  retain: true,
  storedAt: 1_000,
  expiresAt: 2_000,
}
/** Field, length and value. */
const FIELD_OF_A_LATER_VERSION = Buffer.from([99, 0, 0, 0, 3, 7, 8, 9])
const FORMAT_AT = 17

function withLater(entry: Buffer): Buffer {
  const payloadAt = entry.length - message.payload.length
  return Buffer.concat([entry.subarray(0, payloadAt), FIELD_OF_A_LATER_VERSION, entry.subarray(payloadAt)])
}

function ofAnotherFormat(entry: Buffer): Buffer {
  const other = Buffer.from(entry)
  other[FORMAT_AT] = 99
  return other
}

const exact = { kind: 'exact', version: '1.0.0' } as const
const kinds = {
  private: { entry: encodeEntry(message), decode: (entry: Buffer) => decodeEntry(5, entry) },
  broadcast: { entry: encodeEntry(message, false, exact), decode: (entry: Buffer) => decodeBroadcast(5, entry) },
  upstream: {
    entry: encodeUpstream(Buffer.alloc(16, 1), 'subject', message),
    decode: (entry: Buffer) => decodeUpstream(5, entry),
  },
}

for (const [kind, { entry, decode }] of Object.entries(kinds)) {
  await t.test(kind, async (t) => {
    t.match(decode(entry), { ...message, offset: 5 })
    t.same(decode(withLater(entry)), decode(entry))
    t.throws(() => decode(ofAnotherFormat(entry)), /format 99/)
  })
}
