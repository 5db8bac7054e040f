/** Sections 3.3 to 3.7: PUBLISH and its acknowledgements. */
import {
  type Clause,
  DISCONNECT_MALFORMED,
  DISCONNECT_PROTOCOL_ERROR,
  MALFORMED,
  PROTOCOL_ERROR,
  SILENCE,
} from './clause.ts'

export const PUBLISH_CLAUSES: readonly Clause[] = [
  {
    clause: 'MQTT-3.3.1-2',
    what: 'DUP is 0 with QoS 0',
    accepts: [
      { level: 4, bytes: `3a ~ "a" 0001 'x'`, gives: { dup: true, qos: 1, packetId: 1 } },
      { level: 5, bytes: `3d ~ "a" 0001 () 'x'`, gives: { dup: true, qos: 2, retain: true } },
    ],
    refuses: [
      { level: 4, bytes: `38 ~ "a" 'x'`, reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: `38 ~ "a" () 'x'`, reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-3.3.1-4',
    what: 'the QoS is not 3',
    accepts: [
      { level: 4, bytes: `30 ~ "a" 'x'`, gives: { qos: 0, dup: false, retain: false, packetId: undefined } },
      { level: 4, bytes: `31 ~ "a"`, gives: { qos: 0, retain: true } },
      { level: 5, bytes: `34 ~ "a" ffff ()`, gives: { qos: 2, packetId: 65535 } },
    ],
    refuses: [
      { level: 4, bytes: `36 ~ "a" 0001 'x'`, reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: `3e ~ "a" 0001 () 'x'`, reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-2.2.1-3',
    what: 'a packet id is not 0; 3.1.1: MQTT-2.3.1-1',
    accepts: [
      { level: 4, bytes: `32 ~ "a" 0001`, gives: { packetId: 1 } },
      { level: 4, bytes: '4002 0001', gives: { type: 'puback', packetId: 1 } },
      { level: 5, bytes: '82 ~ 0001 () "a" 00', gives: { packetId: 1 } },
    ],
    refuses: [
      { level: 4, bytes: `32 ~ "a" 0000`, reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: `34 ~ "a" 0000 ()`, reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 4, bytes: '4002 0000', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: '5003 0000 00', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 5, bytes: '6202 0000', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 5, bytes: '7002 0000', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 5, bytes: '82 ~ 0000 () "a" 00', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 4, bytes: '82 ~ 0000 "a" 00', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: 'a2 ~ 0000 () "a"', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: '2.1.4',
    what: 'a packet has all of its fields',
    accepts: [{ level: 4, bytes: '32 ~ "a" 0001', gives: { topic: 'a' } }],
    refuses: [
      { level: 4, bytes: '3000', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '30 ~ 0002 61', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '32 ~ "a" 01', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '32 ~ "a" 0001', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '4000', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 4, bytes: '4001 01', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '6201 01', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '4003 0001 00', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '4005 0001 00 00 00', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-1.5.4-1',
    what: 'the topic name is UTF-8 text (MQTT-3.3.2-1); 3.1.1: MQTT-1.5.3-1',
    accepts: [
      { level: 4, bytes: `30 ~ "A𪛔"`, gives: { topic: 'A\u{2A6D4}' } },
      { level: 5, bytes: `30 ~ 0006 efbbbf 2f6162 ()`, gives: { topic: '\uFEFF/ab' } },
    ],
    refuses: [
      { level: 4, bytes: '30 ~ 0003 746f00', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '30 ~ 0003 eda080 ()', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '30 ~ 0002 c080 ()', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-3.3.2-2',
    what: 'the topic name has no wildcard',
    accepts: [{ level: 4, bytes: '30 ~ "/a//b/"', gives: { topic: '/a//b/' } }],
    refuses: [
      { level: 4, bytes: '30 ~ "a/+/b"', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '30 ~ "a#" ()', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: '3.3.2.1',
    what: 'the topic name is empty only where MQTT 5 has an alias; 3.1.1: MQTT-4.7.3-1',
    accepts: [{ level: 5, bytes: `30 ~ "a" (23 0001) 'x'`, gives: { topic: 'a', properties: { topicAlias: 1 } } }],
    refuses: [
      { level: 4, bytes: `30 ~ "" 'x'`, reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: `30 04 0000 00 'x'`, reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: '4.7.3',
    what: 'a topic name has at most so many bytes and levels as the server takes',
    accepts: [
      { level: 4, bytes: '30 ~ 1000 61*4096' },
      { level: 4, bytes: '30 ~ 0063 2f*99' },
    ],
    refuses: [
      { level: 4, bytes: '30 ~ 1001 61*4097', reason: 0x90, reply: SILENCE },
      { level: 5, bytes: '30 ~ 0064 2f*100 ()', reason: 0x90, reply: 'e00190' },
    ],
  },
  {
    clause: 'MQTT-3.3.2-8',
    what: 'a topic alias is not 0',
    accepts: [{ level: 5, bytes: '30 ~ "a" (23 0001)', gives: { properties: { topicAlias: 1 } } }],
    refuses: [{ level: 5, bytes: '30 ~ "a" (23 0000)', reason: 0x94, reply: 'e00194' }],
  },
  {
    clause: 'MQTT-3.3.2-9',
    what: 'a topic alias is not above the maximum of the server',
    accepts: [{ level: 5, bytes: '30 ~ "a" (23 000a)', gives: { properties: { topicAlias: 10 } } }],
    refuses: [{ level: 5, bytes: '30 ~ "a" (23 000b)', reason: 0x94, reply: 'e00194' }],
  },
  {
    clause: '3.3.2.3.4',
    what: 'a topic alias without a name stands for one that was named before',
    accepts: [{ level: 5, bytes: '30 ~ "a" (23 0001)', gives: { topic: 'a' } }],
    refuses: [{ level: 5, bytes: '30 ~ "" (23 0001)', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR }],
  },
  {
    clause: 'MQTT-3.3.2-14',
    what: 'a response topic is a topic name',
    accepts: [{ level: 5, bytes: '30 ~ "a" (08 "b/c" 09 "id")', gives: { properties: { responseTopic: 'b/c' } } }],
    refuses: [
      { level: 5, bytes: '30 ~ "a" (08 "b/#")', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 5, bytes: '30 ~ "a" (08 "+")', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 5, bytes: '30 ~ "a" (08 "")', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: '3.3.2.3.2',
    what: 'Payload Format Indicator is 0 or 1',
    accepts: [{ level: 5, bytes: '30 ~ "a" (01 01)', gives: { properties: { payloadFormatIndicator: 1 } } }],
    refuses: [{ level: 5, bytes: '30 ~ "a" (01 02)', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR }],
  },
  {
    clause: 'MQTT-3.4.2-1',
    what: 'PUBACK has one of its reason codes',
    accepts: [
      { level: 5, bytes: '4002 0001', gives: { type: 'puback', reason: 0 } },
      { level: 5, bytes: '4003 0001 10', gives: { reason: 0x10 } },
      {
        level: 5,
        bytes: '40 ~ 0001 87 (1f "no" 26 "a" "b")',
        gives: { reason: 0x87, properties: { reasonString: 'no' } },
      },
    ],
    refuses: [
      { level: 5, bytes: '4003 0001 92', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 5, bytes: '4004 0001 ff 00', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: 'MQTT-3.5.2-1',
    what: 'PUBREC has one of its reason codes',
    accepts: [{ level: 5, bytes: '5003 0001 97', gives: { type: 'pubrec', reason: 0x97 } }],
    refuses: [{ level: 5, bytes: '5003 0001 01', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR }],
  },
  {
    clause: 'MQTT-3.6.2-1',
    what: 'PUBREL has one of its reason codes',
    accepts: [{ level: 5, bytes: '6203 0001 92', gives: { type: 'pubrel', reason: 0x92 } }],
    refuses: [{ level: 5, bytes: '6203 0001 10', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR }],
  },
  {
    clause: 'MQTT-3.7.2-1',
    what: 'PUBCOMP has one of its reason codes',
    accepts: [{ level: 5, bytes: '7004 0001 00 00', gives: { type: 'pubcomp', reason: 0 } }],
    refuses: [{ level: 5, bytes: '7003 0001 80', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR }],
  },
]
