/** Packets after CONNECT that MQTT does not allow, and the reason of the DISCONNECT that MQTT 5 is told. */
import { field, hex, packet } from './wire.ts'

export interface BrokenPacket {
  readonly bytes: Buffer
  /** Reason code of the DISCONNECT on MQTT 5; `silent` where nothing is said. Before MQTT 5 it is a close only. */
  readonly reason: number | 'silent'
  /** Only where the protocol has it: 5, or the older ones. Default both. */
  readonly only?: 4 | 5
  /** What the bytes say depends on the protocol: with a property length on 5, without before it. */
  readonly older?: Buffer
}

/** PUBLISH with this first byte; the properties are left out before MQTT 5. */
function publish(first: number, topic: string | Uint8Array, middle: string, properties = '00'): BrokenPacket {
  const make = (text: string) => packet(first, Buffer.concat([field(topic), hex(middle), hex(text), Buffer.from('x')]))
  return { bytes: make(properties), older: make(''), reason: 0x81 }
}

/** SUBSCRIBE or UNSUBSCRIBE. */
function subscribe(first: number, rest: string, id = '0001', properties = '00'): BrokenPacket {
  const make = (text: string) => packet(first, Buffer.concat([hex(id), hex(text), hex(rest)]))
  return { bytes: make(properties), older: make(''), reason: 0x81 }
}

const raw = (text: string, reason: BrokenPacket['reason'] = 0x81, only?: 4 | 5): BrokenPacket => ({
  bytes: hex(text),
  reason,
  ...(only === undefined ? {} : { only }),
})

const five = (broken: BrokenPacket, reason: BrokenPacket['reason'] = broken.reason): BrokenPacket => ({
  ...broken,
  reason,
  only: 5,
})

/** `topic` is one that the client may publish to. */
export function brokenPackets(topic: string): Readonly<Record<string, BrokenPacket>> {
  return {
    'a second CONNECT': raw("10 11 0004 'MQTT' 05 02 0000 00 0004 'evil'", 0x82),
    'packet type 0': raw('00 00', 0x82),
    CONNACK: raw('20 03 00 00 00', 0x82),
    SUBACK: raw('90 04 0001 00 01', 0x82),
    UNSUBACK: raw('b0 04 0001 00 00', 0x82),
    PINGRESP: raw('d0 00', 0x82),
    'AUTH without a method': raw('f0 02 18 00', 0x82),
    'PINGREQ with a body': raw('c0 01 00', 'silent'),
    'PINGREQ with reserved bits': raw('c8 00'),
    'a remaining length of five bytes': raw('30 ff ff ff ff 7f', 'silent'),
    'a remaining length that is not minimal': raw('c0 80 00'),
    '256 MiB declared': raw('30 ff ff ff 7f 0001', 0x95),
    '330 KiB declared': raw('30 80 95 14', 0x95),

    'PUBLISH with QoS 3': publish(0x36, topic, '0001'),
    'PUBLISH with DUP and QoS 0': publish(0x38, topic, ''),
    'PUBLISH with packet id 0': { ...publish(0x32, topic, '0000'), reason: 0x82 },
    'PUBLISH with QoS 2 and packet id 0': { ...publish(0x34, topic, '0000'), reason: 0x82 },
    'PUBLISH to a topic that is no UTF-8': publish(0x32, hex('ff fe'), '0001'),
    'PUBLISH to a topic with NUL': publish(0x32, 'a\0b', '0001'),
    'PUBLISH to a topic with #': publish(0x32, 'chat/u/#', '0001'),
    'PUBLISH to a topic with +': publish(0x32, 'chat/+/x', '0001'),
    'PUBLISH to no topic': { ...publish(0x32, '', '0001'), reason: 0x82 },
    'PUBLISH that ends in its topic': raw("32 05 0009 'abc'"),
    'PUBLISH that ends in its packet id': raw("32 04 0001 'a' 00"),
    'PUBLISH with a cut Response Topic': five(publish(0x32, topic, '0001', '04 08 0009 61')),
    'PUBLISH with a Response Topic longer than the packet': five(publish(0x32, topic, '0001', "05 08 ffff 'ab'")),
    'PUBLISH with a wildcard as Response Topic': five(publish(0x32, topic, '0001', "05 08 0002 '/#'"), 0x82),
    'PUBLISH with a property length beyond the packet': five(publish(0x32, topic, '0001', '7f')),
    'PUBLISH with a property twice': five(publish(0x32, topic, '0001', '04 01 01 01 01'), 0x82),
    'PUBLISH with Payload Format Indicator 2': five(publish(0x32, topic, '0001', '02 01 02'), 0x82),
    'PUBLISH with a Subscription Identifier': five(publish(0x32, topic, '0001', '02 0b 01'), 0x82),
    'PUBLISH with Topic Alias 0': five(publish(0x32, topic, '0001', '03 23 0000'), 0x94),
    'PUBLISH with a Topic Alias above the maximum': five(publish(0x32, topic, '0001', '03 23 000b'), 0x94),
    'PUBLISH to an unknown Topic Alias': five(publish(0x32, '', '0001', '03 23 0005'), 0x82),
    'PUBLISH with a user property that is cut': five(publish(0x32, topic, '0001', '05 26 0001 61 00')),
    'PUBLISH with an unknown property': five(publish(0x32, topic, '0001', '02 7f 00')),
    'PUBLISH to 101 levels': { ...publish(0x32, `${topic}${'/'.repeat(101)}`, '0001'), reason: 0x90 },
    'PUBLISH to a topic of 5,000 bytes': { ...publish(0x32, `${topic}${'x'.repeat(5000)}`, '0001'), reason: 0x90 },

    'SUBSCRIBE with other reserved bits': subscribe(0x80, "0001 'a' 00"),
    'SUBSCRIBE with packet id 0': { ...subscribe(0x82, "0001 'a' 00", '0000'), reason: 0x82 },
    'SUBSCRIBE without a filter': { ...subscribe(0x82, ''), reason: 0x82 },
    'SUBSCRIBE to an empty filter': subscribe(0x82, '0000 00'),
    'SUBSCRIBE with # that is no level': subscribe(0x82, "0002 'a#' 00"),
    'SUBSCRIBE with # before the end': subscribe(0x82, "0005 'a/#/b' 00"),
    'SUBSCRIBE with + that is no level': subscribe(0x82, "0004 'a+/b' 00"),
    'SUBSCRIBE with NUL': subscribe(0x82, '0003 610062 00'),
    'SUBSCRIBE to a filter that is no UTF-8': subscribe(0x82, '0001 ff 00'),
    'SUBSCRIBE with QoS 3': { ...subscribe(0x82, "0001 'a' 03"), reason: 0x82 },
    'SUBSCRIBE with reserved options': subscribe(0x82, "0001 'a' c0"),
    'SUBSCRIBE with Retain Handling 3': { ...subscribe(0x82, "0001 'a' 30"), reason: 0x82 },
    'SUBSCRIBE without options': subscribe(0x82, "0001 'a'"),
    'SUBSCRIBE that ends in its filter': subscribe(0x82, "0009 'a'"),
    'SUBSCRIBE with Subscription Identifier 0': five(subscribe(0x82, "0001 'a' 00", '0001', '02 0b 00'), 0x82),
    'SUBSCRIBE with Subscription Identifier twice': five(
      subscribe(0x82, "0001 'a' 00", '0001', '04 0b 01 0b 01'),
      0x82,
    ),
    'SUBSCRIBE to a share without a filter': five(subscribe(0x82, "000a '$share/grp' 00")),
    'SUBSCRIBE to a share without a group': five(subscribe(0x82, "000a '$share//ab' 00")),
    'SUBSCRIBE to a filter of 5,000 bytes': {
      bytes: packet(0x82, Buffer.concat([hex('0001 00'), field('x'.repeat(5000)), hex('00')])),
      older: packet(0x82, Buffer.concat([hex('0001'), field('x'.repeat(5000)), hex('00')])),
      reason: 0x8f,
    },
    'UNSUBSCRIBE without a filter': { ...subscribe(0xa2, ''), reason: 0x82 },
    'UNSUBSCRIBE with packet id 0': { ...subscribe(0xa2, "0001 'a'", '0000'), reason: 0x82 },
    'UNSUBSCRIBE with other reserved bits': subscribe(0xa0, "0001 'a'"),

    'PUBACK with packet id 0': raw('40 02 0000', 0x82),
    'PUBACK without a packet id': raw('40 00'),
    'PUBACK with reserved bits': raw('41 02 0001'),
    'PUBACK with bytes behind': raw('40 03 0001 00', 0x81, 4),
    'PUBACK with an unknown reason': raw('40 04 0001 05 00', 0x82, 5),
    'PUBREL with other reserved bits': raw('60 02 0001'),
    'DISCONNECT with reserved bits': raw('e1 00'),
    'DISCONNECT with bytes behind, 3.1.1': raw('e0 01 00', 'silent', 4),
    'DISCONNECT with an unknown reason': raw('e0 02 05 00', 'silent', 5),
  }
}
