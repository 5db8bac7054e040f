// Do the packets of a stream come out the same, however the network cuts it and however late the reader asks?
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { decode, drain, plain, unconnected } from './support/decoding.ts'
import { streams, written } from './support/streams.ts'

t.test('chunks of any size, read at once or later', async (t) => {
  const cuts = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.boolean()), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(streams, cuts, ({ level, packets }, cuts) => {
      const stream = Buffer.concat(packets.map((packet) => written(packet, level)))
      const whole = decode(unconnected(), Buffer.from(stream)).map(plain)

      const decoder = unconnected()
      const cut: ReturnType<typeof plain>[] = []
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const [size, read] = cuts[turn % cuts.length] ?? [1, true]
        decoder.push(Buffer.from(stream.subarray(at, at + size)))
        at += size
        if (read) cut.push(...drain(decoder).map(plain))
      }
      cut.push(...drain(decoder).map(plain))
      return whole.length === packets.length && JSON.stringify(cut) === JSON.stringify(whole) && decoder.buffered === 0
    }),
    { numRuns: 500 },
  )
  t.pass('500 cases')
})

t.test('byte by byte', async (t) => {
  fc.assert(
    fc.property(streams, ({ level, packets }) => {
      const stream = Buffer.concat(packets.map((packet) => written(packet, level)))
      const whole = decode(unconnected(), Buffer.from(stream)).map(plain)
      const bytes = Array.from(stream, (byte) => Buffer.from([byte]))
      return JSON.stringify(decode(unconnected(), ...bytes).map(plain)) === JSON.stringify(whole)
    }),
    { numRuns: 100 },
  )
  t.pass('100 cases')
})
