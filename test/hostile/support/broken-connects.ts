/** First packets that MQTT does not allow, and what their sender is told. */
import { connectPacket, field, hex, packet } from './wire.ts'

export interface Broken {
  readonly bytes: Buffer
  /** Reason code of the CONNACK; `silent` where nothing is said, 3.x return code where there is one. */
  readonly answer: number | 'silent'
  readonly level: 3 | 4 | 5
}

const v5 = (answer: Broken['answer'], parts: Parameters<typeof connectPacket>[0] = {}): Broken => ({
  bytes: connectPacket({ level: 5, ...parts }),
  answer,
  level: 5,
})
const v4 = (answer: Broken['answer'], parts: Parameters<typeof connectPacket>[0] = {}): Broken => ({
  bytes: connectPacket({ level: 4, ...parts }),
  answer,
  level: 4,
})
const bytes = (text: string, answer: Broken['answer'] = 'silent', level: Broken['level'] = 5): Broken => ({
  bytes: hex(text),
  answer,
  level,
})

const properties = (text: string) => ({ properties: hex(text) })
const expiryTwice = '11 00000000 11 00000000'
/** A will with this flags byte. */
const will = (flags: number, content: Buffer) => ({
  flags: 0xc6 | flags,
  payload: Buffer.concat([field('hostile'), content, field('device'), field('x'.repeat(20))]),
})

export const BROKEN_CONNECTS: Readonly<Record<string, Broken>> = {
  'HTTP instead of MQTT': bytes("'GET / HTTP/1.1' 0d0a 'Host: x' 0d0a 0d0a"),
  'a TLS hello': bytes('16 03 01 02 00 01 00 01 fc 03 03'),
  zeros: bytes('00 00 00 00'),
  'PINGREQ first': bytes('c0 00'),
  'PUBLISH first': bytes("30 05 0001 'a' 6869"),
  'SUBSCRIBE first': bytes("82 06 0001 0001 '#' 00"),
  'CONNACK first': bytes('20 02 00 00'),
  'DISCONNECT first': bytes('e0 00'),
  'AUTH first': bytes('f0 00'),
  'a remaining length of five bytes': bytes('10 ff ff ff ff 7f'),
  'a remaining length that is not minimal': bytes('10 80 00'),
  'CONNECT without a body': bytes('10 00'),
  'CONNECT that ends in its name': bytes("10 05 0004 'MQT'"),
  'CONNECT that ends after its level': bytes("10 07 0004 'MQTT' 05"),
  'reserved bits of the first byte': {
    ...v5('silent'),
    bytes: Buffer.concat([hex('11'), connectPacket({}).subarray(1)]),
  },
  'an unknown protocol name': v5('silent', { name: 'MQTx' }),
  'an empty protocol name': v5('silent', { name: '' }),
  'MQTT level 6': v5(0x84, { level: 6 }),
  'MQTT level 0': v5(0x84, { level: 0 }),
  'MQTT level 255': v5(0x84, { level: 255 }),
  'MQTT with the level of 3.1': { ...v5(1, { name: 'MQTT', level: 3 }), level: 4 },
  'MQIsdp with the level of 3.1.1': { ...v5(1, { name: 'MQIsdp', level: 4 }), level: 4 },
  'the reserved CONNECT flag': v5('silent', { flags: 0xc3 }),
  'the reserved CONNECT flag, 3.1.1': v4('silent', { flags: 0xc3 }),
  'a will QoS without a will': v5(0x81, { flags: 0xca }),
  'a will retain without a will': v5(0x81, { flags: 0xe2 }),
  'will QoS 3': v5('silent', will(0x18, Buffer.concat([hex('00'), field('a'), field('x')]))),
  'will QoS 3, 3.1.1': v4('silent', will(0x18, Buffer.concat([field('a'), field('x')]))),
  'a will with a wildcard topic': v5(0x81, will(0, Buffer.concat([hex('00'), field('a/#'), field('x')]))),
  'a will with an empty topic': v5(0x81, will(0, Buffer.concat([hex('00'), field(''), field('x')]))),
  'a will topic that is no UTF-8': v5(0x81, will(0, Buffer.concat([hex('00'), field(hex('ff fe')), field('x')]))),
  'a will with a property twice': v5(
    0x82,
    will(0, Buffer.concat([hex('0a 18 00000001 18 00000001'), field('a'), field('x')])),
  ),
  'a will that is cut': v5(0x81, { ...will(0, hex('00 0005 61')), payload: hex('0001 61 00 0005 61') }),
  'a password without a user name, 3.1.1': v4('silent', {
    flags: 0x42,
    payload: Buffer.concat([field('hostile'), field('x')]),
  }),
  'Session Expiry twice': v5(0x82, properties(expiryTwice)),
  'Receive Maximum twice': v5(0x82, properties('21 0001 21 0001')),
  'Receive Maximum 0': v5(0x82, properties('21 0000')),
  'Maximum Packet Size 0': v5(0x82, properties('27 00000000')),
  'Request Problem Information 2': v5(0x82, properties('17 02')),
  'Request Response Information 2': v5(0x82, properties('19 02')),
  'a property of another packet': v5(0x82, properties('23 0001')),
  'an unknown property': v5(0x81, properties('7f 00')),
  'a property identifier of two bytes': v5(0x81, properties('ff 01 00')),
  'a property that is cut': v5(0x81, { ...properties('11 0000') }),
  'a property length beyond the packet': {
    ...v5(0x81),
    bytes: packet(0x10, Buffer.concat([field('MQTT'), hex('05 02 0000 7f'), field('x')])),
  },
  'a property length of five bytes': {
    ...v5(0x81),
    bytes: packet(0x10, Buffer.concat([field('MQTT'), hex('05 02 0000 ffffffff7f'), field('x')])),
  },
  'authentication data without a method': v5(0x82, properties("16 0001 'x'")),
  'an authentication method': v5(0x8c, properties("15 0005 'GS2-X'")),
  'a user property that is no UTF-8': v5(0x81, properties("26 0001 ff 0001 'x'")),
  'a client id that is no UTF-8': v5(0x85, { clientId: hex('c3 28') }),
  'a client id with an overlong encoding': v5(0x85, { clientId: hex('c0 80') }),
  'a client id with a surrogate': v5(0x85, { clientId: hex('ed a0 80') }),
  'a client id with NUL': v5(0x85, { clientId: 'a\0b' }),
  'a client id with a control character': v5(0x85, { clientId: 'a\u0007b' }),
  'a client id with NUL, 3.1.1': v4('silent', { clientId: 'a\0b' }),
  'a user name that is no UTF-8': v5('silent', { username: hex('ff') }),
  'a user name with NUL': v5('silent', { username: 'a\0b' }),
  'a user name that is missing': v5('silent', { payload: field('hostile') }),
  'a password that is cut': v5('silent', {
    payload: Buffer.concat([field('hostile'), field('device'), hex('0009 78')]),
  }),
  'bytes behind the last field': v5(0x81, { trailing: hex('00') }),
  'bytes behind the last field, 3.1.1': v4('silent', { trailing: hex('00') }),
  'an empty client id that is to be kept, 3.1.1': v4(2, { clientId: '', flags: 0xc0 }),
  'an empty client id, 3.1': { bytes: connectPacket({ level: 3, clientId: '' }), answer: 2, level: 3 },
  '256 MiB declared': bytes("10 ff ff ff 7f 0004 'MQTT' 05 c2 0000 00", 0x95),
  '256 MiB declared, 3.1.1': bytes("10 ff ff ff 7f 0004 'MQTT' 04 c2 0000", 'silent', 4),
  '1 MiB declared': bytes("10 80 80 40 0004 'MQTT' 05 c2 0000 00", 0x95),
}
