// Whatever bytes come, does the decoder give packets or a violation with an answer, and never another error?
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { ERRORS } from '../../errors.ts'
import { type Decoder, ProtocolViolation } from '../../broker/codec/decoder.ts'
import { encodeViolationReply } from '../../broker/codec/violation-reply.ts'
import { connected, drain, unconnected } from './support/decoding.ts'
import { type Generated, levels, packets, written } from './support/streams.ts'

/** True when the bytes give packets, or a violation that is in the catalogue and has its answer. */
function isHandled(decoder: Decoder, bytes: Buffer): boolean {
  decoder.push(bytes)
  try {
    return drain(decoder).every((packet) => packet.raw.length >= 2)
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error
    const reply = encodeViolationReply(error)
    return error.code in ERRORS && (error.reply === 'none') === (reply === undefined) && decoder.ended
  }
}

t.test('random bytes', async (t) => {
  fc.assert(
    fc.property(levels, fc.boolean(), fc.uint8Array({ maxLength: 60 }), (level, first, bytes) => {
      return isHandled(first ? unconnected() : connected(level), Buffer.from(bytes))
    }),
    { numRuns: 10_000 },
  )
  t.pass('10,000 cases')
})

t.test('valid packets with bytes changed, removed or put in', async (t) => {
  const changes = fc.array(
    fc.record({ at: fc.nat(200), kind: fc.constantFrom('set', 'cut', 'put'), byte: fc.nat(255) }),
    { minLength: 1, maxLength: 4 },
  )
  const cases = levels.chain((level) => fc.tuple(fc.constant(level), packets(level)))
  fc.assert(
    fc.property(cases, changes, ([level, packet], changes) => {
      const bytes = [...written(packet as Generated, level)]
      for (const { at, kind, byte } of changes) {
        const place = at % (bytes.length + 1)
        if (kind === 'set') bytes[place] = byte
        if (kind === 'cut') bytes.splice(place, 1)
        if (kind === 'put') bytes.splice(place, 0, byte)
      }
      return isHandled(connected(level), Buffer.from(bytes))
    }),
    { numRuns: 10_000 },
  )
  t.pass('10,000 cases')
})
