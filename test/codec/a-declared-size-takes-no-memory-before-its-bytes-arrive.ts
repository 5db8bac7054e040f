// Are packets views of the chunk they came in, large ones gathered without waste, and is memory taken only for what arrived?
import { Buffer } from 'node:buffer'
import { t } from '../support/tap.ts'
import { Framer, Header } from '../../broker/codec/framing.ts'
import { Decoder } from '../../broker/codec/decoder.ts'
import { DEFAULT_LIMITS } from '../../common/limits.ts'
import { connected, decode, refusal } from './support/decoding.ts'
import { wire } from './support/wire.ts'

const SMALL = { ...DEFAULT_LIMITS, maximumConnectSize: 100 }

t.test('small packets in one chunk are views', async (t) => {
  const chunk = Buffer.concat(Array.from({ length: 100 }, () => wire(`32 ~ "a/b" 0007 'payload'`)))
  const packets = decode(connected(4), chunk)
  t.equal(packets.length, 100)
  t.ok(packets.every((packet) => packet.raw.buffer === chunk.buffer))
  t.ok(packets.every((packet) => packet.type === 'publish' && packet.payload.buffer === chunk.buffer))
})

t.test('a packet of 256 KiB in a thousand chunks is whole, and the bytes are counted on the way', async (t) => {
  const payload = Buffer.from(Array.from({ length: 262_144 }, (_, at) => at % 251))
  const packet = Buffer.concat([wire('30 fdff0f'), payload])
  packet.set([0x00, 0x01, 0x61], 4)
  const whole = packet.subarray(0, 4 + 262_141)
  const decoder = connected(4)
  for (let at = 0; at < whole.length - 262; at += 262) {
    t.equal(decode(decoder, Buffer.from(whole.subarray(at, at + 262))).length, 0)
    if (decoder.buffered !== at + 262) t.fail(`${decoder.buffered} are buffered of ${at + 262}`)
  }
  const rest = whole.length % 262 === 0 ? 262 : whole.length % 262
  const [publish] = decode(decoder, Buffer.from(whole.subarray(whole.length - rest)))
  t.ok(publish?.raw.equals(whole))
  t.equal(decoder.buffered, 0)
})

t.test('memory grows with what arrives, not with what is declared', async (t) => {
  const framer = new Framer()
  framer.push(wire('30 ffff7f'))
  framer.push(Buffer.alloc(10))
  t.equal(framer.header(), Header.complete)
  t.equal(framer.size, 4 + 2_097_151)
  t.equal(framer.body(), false)
  t.ok(framer.capacity <= 8192, 'after ten bytes')
  for (let chunk = 0; chunk < 100; chunk++) {
    framer.push(Buffer.alloc(1000))
    framer.body()
  }
  t.ok(framer.capacity <= 100_000 * 8, 'after 100 KB')
})

t.test('a declared size above the limit is refused before its bytes arrive', async (t) => {
  const decoder = connected(5, { maximumPacketSize: 1000 })
  t.equal(decode(decoder, wire('30 ~ "a" () 61*993')).length, 1, '1,000 bytes pass')
  t.match(refusal(decoder, wire('30 e607')), { code: 'PACKET_TOO_LARGE', reason: 0x95 }, '1,001 do not')
  t.equal(decoder.ended, true)
})

t.test('a CONNECT above the limit is refused as soon as its protocol level is known', async (t) => {
  const decoder = new Decoder(SMALL)
  decoder.push(wire('10 8001'))
  t.equal(decoder.next(), undefined)
  t.match(refusal(decoder, wire('"MQTT" 05 c2 003c')), { code: 'PACKET_TOO_LARGE', reply: 'connack' })

  const old = new Decoder(SMALL)
  t.match(refusal(old, wire('10 8001 "MQIsdp" 03 c2 003c')), { code: 'PACKET_TOO_LARGE', reply: 'none' })
  t.equal(old.level, 3)
})

t.test('nothing is read after a violation or a DISCONNECT', async (t) => {
  const broken = connected(4)
  refusal(broken, wire('c001 00'))
  t.same(decode(broken, wire('c000')), [])
  t.equal(broken.buffered, 0)

  const left = connected(4)
  t.equal(decode(left, wire('e000 c000 30')).length, 1)
  t.same(decode(left, wire('c000')), [])
  t.equal(left.ended, true)
})
