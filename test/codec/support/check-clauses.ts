/** Runs the examples of one table of clauses. */
import type { Test } from 'tap'
import type { Decoder } from '../../../broker/codec/decoder.ts'
import { encodeViolationReply } from '../../../broker/codec/violation-reply.ts'
import type { Accepted, Clause, Refused } from './clauses/clause.ts'
import { connected, decode, plain, refusal, unconnected } from './decoding.ts'
import { wire } from './wire.ts'

type Assert = Pick<Test, 'test' | 'equal' | 'match' | 'ok' | 'same'>

export async function checkClauses(t: Assert, clauses: readonly Clause[]): Promise<void> {
  for (const clause of clauses) {
    await t.test(`${clause.clause}: ${clause.what}`, async (t) => {
      t.ok(clause.accepts.length > 0 && clause.refuses.length > 0, 'has both kinds of examples')
      for (const example of clause.accepts) checkAccepted(t, example)
      for (const example of clause.refuses) checkRefused(t, clause, example)
    })
  }
}

function checkAccepted(t: Assert, { level, bytes, gives = {}, after }: Accepted): void {
  const name = `level ${level} accepts ${label(bytes)}`
  const whole = decode(decoderFor(level, after), wire(bytes))
  t.equal(whole.length, 1, name)
  t.match(whole[0], gives, name)
  const packet = wire(bytes)
  const single = Array.from(packet.subarray(0, 1000), (_, at) => packet.subarray(at, at + 1))
  const pieces = decode(decoderFor(level, after), ...single, packet.subarray(1000))
  t.same(pieces.map(plain), whole.map(plain), `${name}, byte by byte`)
}

function checkRefused(t: Assert, clause: Clause, example: Refused): void {
  const { level, bytes, after } = example
  const violation = refusal(decoderFor(level, after), wire(bytes))
  const reply = encodeViolationReply(violation, { reasonString: false })
  t.same(
    { clause: violation.clause, reason: violation.reason, reply: reply?.toString('hex') ?? '' },
    { clause: example.clause ?? clause.clause, reason: example.reason, reply: example.reply },
    `level ${level} refuses ${label(bytes)}: ${violation.message}`,
  )
}

function decoderFor(level: Accepted['level'], after: string | undefined): Decoder {
  if (after === '') return unconnected()
  return connected(after === undefined ? level : wire(after))
}

function label(bytes: string): string {
  return bytes.length > 60 ? `${bytes.slice(0, 60)}…` : bytes
}
