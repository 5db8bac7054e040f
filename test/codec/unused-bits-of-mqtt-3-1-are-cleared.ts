// MQTT 3.1 leaves bits unused and lets credentials be missing: does `raw` come out in a form that a strict reader takes?
import mqttPacket from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { connected, decode, unconnected } from './support/decoding.ts'
import { wire } from './support/wire.ts'

const connects: [what: string, came: string, goesOn: string][] = [
  ['flags of the fixed header', '1f ~ "MQIsdp" 03 02 003c "c"', '10 ~ "MQIsdp" 03 02 003c "c"'],
  ['bit 0 of the CONNECT flags', '10 ~ "MQIsdp" 03 03 003c "c"', '10 ~ "MQIsdp" 03 02 003c "c"'],
  ['will QoS and retain without a will', '10 ~ "MQIsdp" 03 3a 003c "c"', '10 ~ "MQIsdp" 03 02 003c "c"'],
  ['a missing password', '10 ~ "MQIsdp" 03 c2 003c "c" "u"', '10 ~ "MQIsdp" 03 82 003c "c" "u"'],
  ['missing credentials', '10 ~ "MQIsdp" 03 c2 003c "c"', '10 ~ "MQIsdp" 03 02 003c "c"'],
  ['nothing', '10 ~ "MQIsdp" 03 f6 003c "c" "w" "m" "u" "p"', '10 ~ "MQIsdp" 03 f6 003c "c" "w" "m" "u" "p"'],
]

for (const [what, came, goesOn] of connects) {
  t.test(`CONNECT: ${what}`, async (t) => {
    const [packet] = decode(unconnected(), wire(came))
    t.equal(packet?.raw.toString('hex'), wire(goesOn).toString('hex'))
    const parser = mqttPacket.parser()
    const read: unknown[] = []
    parser.on('packet', (each: unknown) => read.push(each))
    parser.on('error', (error: unknown) => read.push(error))
    if (packet !== undefined) parser.parse(packet.raw)
    t.match(read, [{ cmd: 'connect', clientId: 'c' }])
  })
}

t.test('flags of other packets', async (t) => {
  const decoder = connected(3)
  const packets = decode(decoder, wire('4f02 0001 cb00 6b02 0001 8a06 0001 0001 61 01 ea00'))
  t.same(
    packets.map(({ raw }) => raw.toString('hex')),
    ['40020001', 'c000', '62020001', '82060001000161' + '01', 'e000'],
  )
})
