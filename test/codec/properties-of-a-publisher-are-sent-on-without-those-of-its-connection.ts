// What of a publisher's properties is sent on, and is it the same bytes in the same order?
import { t } from '../support/tap.ts'
import { encodeForwardProperties } from '../../broker/codec/encoder.ts'
import type { PublishPacket } from '../../broker/codec/packets.ts'
import { connected, decode } from './support/decoding.ts'
import { wire } from './support/wire.ts'

function published(properties: string): PublishPacket {
  const [packet] = decode(connected(5), wire(`32 ~ "a" 0001 (${properties}) 'payload'`))
  if (packet?.type !== 'publish') throw new Error('PUBLISH was expected')
  return packet
}

const EXPIRY = '02 0000000a'
const ALIAS = '23 0005'
const USER = '26 "n" "v"'

const cases: [name: string, properties: string, forwarded: string | undefined][] = [
  ['none', '', undefined],
  ['only those of the connection', `${EXPIRY} ${ALIAS}`, undefined],
  ['all others', `01 01 03 "text" 08 "r" 09 "id" ${USER}`, `01 01 03 "text" 08 "r" 09 "id" ${USER}`],
  ['expiry in front', `${EXPIRY} ${USER}`, USER],
  ['alias behind', `${USER} ${ALIAS}`, USER],
  ['in between', `${USER} ${ALIAS} 03 "t" ${EXPIRY} ${USER}`, `${USER} 03 "t" ${USER}`],
  ['longer than one byte of length', `${EXPIRY} 26 "n" 00c8 61*200 ${ALIAS}`, '26 "n" 00c8 61*200'],
]

for (const [name, properties, forwarded] of cases) {
  t.test(name, async (t) => {
    const packet = published(properties)
    t.same(packet.forwardProperties?.toString('hex'), forwarded && wire(forwarded).toString('hex'))
    t.equal(packet.payload.toString(), 'payload')
  })
}

t.test('they can be encoded again where some were changed', async (t) => {
  const { properties } = published(`${EXPIRY} 01 01 03 "text" 08 "r" 09 "id" ${USER} ${ALIAS}`)
  const changed = encodeForwardProperties({ ...properties, userProperties: [['n', 'w']] })
  t.equal(changed.toString('hex'), wire('01 01 03 "text" 08 "r" 09 "id" 26 "n" "w"').toString('hex'))
  t.equal(encodeForwardProperties({ messageExpiryInterval: 3, topicAlias: 4, willDelayInterval: 5 }).length, 0)
})
