// Which packet answers a violation, for which protocol level, and does its reason fit what the client takes?
import mqttPacket from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { encodeViolationReply } from '../../broker/codec/violation-reply.ts'
import { connected, refusal, unconnected } from './support/decoding.ts'
import { wire } from './support/wire.ts'

t.test('MQTT 5 is told the reason in words', async (t) => {
  const read: unknown[] = []
  const parser = mqttPacket.parser({ protocolVersion: 5 })
  parser.on('packet', (packet: unknown) => read.push(packet))
  const violations = [
    refusal(unconnected(), wire('10 ~ "MQTT" 05 02 003c (21 0000) "c"')),
    refusal(connected(5), wire('36 ~ "a" 0001 ()')),
  ]
  for (const violation of violations) {
    const reply = encodeViolationReply(violation)
    if (reply !== undefined) parser.parse(reply)
  }
  t.match(read, [
    {
      cmd: 'connack',
      reasonCode: 0x82,
      properties: { reasonString: 'a property that must not be 0 is 0 [3.1.2.11.3]' },
    },
    { cmd: 'disconnect', reasonCode: 0x81, properties: { reasonString: 'the QoS is 3 [MQTT-3.3.1-4]' } },
  ])
})

t.test('the words are left out where the client takes no packet of that size, and the packet too', async (t) => {
  const violation = refusal(connected(5), wire('36 ~ "a" 0001 ()'))
  t.equal(encodeViolationReply(violation, { maximumPacketSize: 20 })?.toString('hex'), 'e00181')
  t.equal(encodeViolationReply(violation, { maximumPacketSize: 2 }), undefined)
  t.equal(encodeViolationReply(violation, { reasonString: false })?.toString('hex'), 'e00181')
})

t.test('3.1 and 3.1.1 get a CONNACK where it has a return code, and are closed otherwise', async (t) => {
  const level = refusal(unconnected(), wire('10 ~ "MQTT" 03 02 003c "c"'))
  t.match(level, { code: 'PROTOCOL_VERSION_UNSUPPORTED', returnCode: 1, reply: 'connack' })
  t.equal(encodeViolationReply(level)?.toString('hex'), '20020001')

  const id = refusal(unconnected(), wire('10 ~ "MQTT" 04 00 003c ""'))
  t.match(id, { code: 'CLIENT_ID_INVALID', returnCode: 2, reply: 'connack' })
  t.equal(encodeViolationReply(id)?.toString('hex'), '20020002')

  const topic = refusal(connected(4), wire('30 ~ "#"'))
  t.match(topic, { code: 'PACKET_MALFORMED', returnCode: undefined, reply: 'none' })
  t.equal(encodeViolationReply(topic), undefined)
})

t.test('the level is known as soon as it was read', async (t) => {
  const decoder = unconnected()
  t.equal(decoder.level, undefined)
  refusal(decoder, wire('10 ~ "MQTT" 05 0a 003c () "c"'))
  t.equal(decoder.level, 5)

  const stranger = unconnected()
  t.match(refusal(stranger, wire('10 ~ "MQTT" 06 02 003c "c"')), { reply: 'connack', returnCode: undefined })
  t.equal(stranger.level, undefined)
})

t.test('the words quote nothing of the packet', async (t) => {
  const { message } = refusal(connected(5), wire('30 ~ "secret/#" ()'))
  t.notMatch(message, /secret/)
})
