/** Sections 3.1 to 3.1.3 without the will. */
import {
  CONNACK_CLIENT_ID,
  CONNACK_MALFORMED,
  CONNACK_PROTOCOL_ERROR,
  type Clause,
  DISCONNECT_PROTOCOL_ERROR,
  MALFORMED,
  PROTOCOL_ERROR,
  SILENCE,
} from './clause.ts'

const PLAIN_4 = '10 ~ "MQTT" 04 02 003c "c"'
const PLAIN_5 = '10 ~ "MQTT" 05 02 003c () "c"'

export const CONNECT_CLAUSES: readonly Clause[] = [
  {
    clause: 'MQTT-3.1.0-1',
    what: 'CONNECT comes first',
    accepts: [{ level: 4, bytes: PLAIN_4, after: '', gives: { type: 'connect' } }],
    refuses: [
      { level: 4, bytes: '30 ~ "a" 00', after: '', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: 'c000', after: '', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 4, bytes: '2002 0000', after: '', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 4, bytes: '00', after: '', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 4, bytes: `'GET / HTTP/1.1'`, after: '', reason: PROTOCOL_ERROR, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.1.0-2',
    what: 'CONNECT comes once',
    accepts: [{ level: 5, bytes: PLAIN_5, after: '', gives: { type: 'connect' } }],
    refuses: [
      { level: 4, bytes: PLAIN_4, reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: PLAIN_5, reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: 'MQTT-3.1.2-1',
    what: 'the protocol name is MQTT, in 3.1 MQIsdp',
    accepts: [
      { level: 3, bytes: '10 ~ "MQIsdp" 03 02 003c "c"', after: '', gives: { level: 3, bridge: false } },
      { level: 4, bytes: PLAIN_4, after: '', gives: { level: 4, bridge: false } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTU" 04 02 003c "c"', after: '', reason: 0x84, reply: SILENCE },
      { level: 4, bytes: '10 ~ "mqtt" 04 02 003c "c"', after: '', reason: 0x84, reply: SILENCE },
      { level: 4, bytes: '10 ~ "" 04 02 003c "c"', after: '', reason: 0x84, reply: SILENCE },
      { level: 5, bytes: '10 ~ "MQTTT" 05 02 003c () "c"', after: '', reason: 0x84, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.1.2-2',
    what: 'the protocol level is 4 or 5, in 3.1 it is 3; bridges of Mosquitto set the top bit before MQTT 5',
    accepts: [
      { level: 5, bytes: PLAIN_5, after: '', gives: { level: 5, bridge: false } },
      { level: 4, bytes: '10 ~ "MQTT" 84 02 003c "c"', after: '', gives: { level: 4, bridge: true } },
      { level: 3, bytes: '10 ~ "MQIsdp" 83 02 003c "c"', after: '', gives: { level: 3, bridge: true } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 03 02 003c "c"', after: '', reason: 0x84, reply: '20020001' },
      { level: 3, bytes: '10 ~ "MQIsdp" 04 02 003c "c"', after: '', reason: 0x84, reply: '20020001' },
      { level: 3, bytes: '10 ~ "MQIsdp" 05 02 003c () "c"', after: '', reason: 0x84, reply: '2003008400' },
      { level: 4, bytes: '10 ~ "MQTT" 02 02 003c "c"', after: '', reason: 0x84, reply: '2003008400' },
      { level: 4, bytes: '10 ~ "MQTT" 06 02 003c "c"', after: '', reason: 0x84, reply: '2003008400' },
      { level: 5, bytes: '10 ~ "MQTT" 85 02 003c () "c"', after: '', reason: 0x84, reply: '2003008400' },
    ],
  },
  {
    clause: 'MQTT-3.1.2-3',
    what: 'the reserved CONNECT flag is 0; 3.1 leaves it unused',
    accepts: [{ level: 3, bytes: '10 ~ "MQIsdp" 03 03 003c "c"', after: '', gives: { cleanStart: true } }],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 03 003c "c"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '10 ~ "MQTT" 05 03 003c () "c"', after: '', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: '3.1.2',
    what: 'flags and keep alive are there',
    accepts: [
      { level: 4, bytes: '10 ~ "MQTT" 04 00 ffff "c"', after: '', gives: { keepAlive: 65535, cleanStart: false } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '10 ~ "MQTT" 05 02 00', after: '', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.1.2-17',
    what: 'with the User Name Flag there is a user name; 3.1.1: MQTT-3.1.2-19; 3.1 lets it be missing',
    accepts: [
      { level: 4, bytes: '10 ~ "MQTT" 04 82 003c "c" "u"', after: '', gives: { username: 'u' } },
      { level: 5, bytes: '10 ~ "MQTT" 05 82 003c () "c" ""', after: '', gives: { username: '' } },
      { level: 3, bytes: '10 ~ "MQIsdp" 03 82 003c "c"', after: '', gives: { username: undefined } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 82 003c "c"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '10 ~ "MQTT" 05 82 003c () "c" 00 05 61', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 3, bytes: '10 ~ "MQIsdp" 03 82 003c "c" 00', after: '', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.1.2-19',
    what: 'with the Password Flag there is a password; 3.1.1: MQTT-3.1.2-21; 3.1 lets it be missing',
    accepts: [
      { level: 4, bytes: '10 ~ "MQTT" 04 c2 003c "c" "u" "p"', after: '', gives: { username: 'u' } },
      { level: 5, bytes: '10 ~ "MQTT" 05 42 003c () "c" 0003 00ff80', after: '', gives: { username: undefined } },
      { level: 3, bytes: '10 ~ "MQIsdp" 03 c2 003c "c" "u"', after: '', gives: { username: 'u', password: undefined } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 c2 003c "c" "u"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '10 ~ "MQTT" 05 42 003c () "c"', after: '', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.1.2-22',
    what: 'of 3.1.1: no password without a user name; MQTT 5 allows it',
    accepts: [
      { level: 4, bytes: '10 ~ "MQTT" 04 c2 003c "c" "" "p"', after: '', gives: { username: '' } },
      { level: 5, bytes: '10 ~ "MQTT" 05 42 003c () "c" "p"', after: '', gives: { username: undefined } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 42 003c "c" "p"', after: '', reason: MALFORMED, reply: SILENCE },
      {
        level: 3,
        bytes: '10 ~ "MQIsdp" 03 42 003c "c" "p"',
        after: '',
        reason: MALFORMED,
        reply: SILENCE,
        clause: '3.1',
      },
    ],
  },
  {
    clause: 'MQTT-3.1.3-1',
    what: 'the payload has the fields that the flags announce and no other',
    accepts: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (11 0000000a) "c"',
        after: '',
        gives: { properties: { sessionExpiryInterval: 10 } },
      },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 02 003c "c" 00', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '10 ~ "MQTT" 04 82 003c "c" "u" "p"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '10 ~ "MQTT" 05 02 003c () "c" "u"', after: '', reason: MALFORMED, reply: CONNACK_MALFORMED },
      { level: 3, bytes: '10 ~ "MQIsdp" 03 02 003c "c" "u"', after: '', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.1.3-4',
    what: 'the client id is UTF-8 text',
    accepts: [{ level: 5, bytes: '10 ~ "MQTT" 05 02 003c () "Gerät-7"', after: '', gives: { clientId: 'Gerät-7' } }],
    refuses: [
      { level: 5, bytes: '10 ~ "MQTT" 05 02 003c () 0002 c328', after: '', reason: 0x85, reply: CONNACK_CLIENT_ID },
      { level: 5, bytes: '10 ~ "MQTT" 05 02 003c () 0003 610062', after: '', reason: 0x85, reply: CONNACK_CLIENT_ID },
      {
        level: 4,
        bytes: '10 ~ "MQTT" 04 02 003c 0002 c328',
        after: '',
        reason: MALFORMED,
        reply: SILENCE,
        clause: 'MQTT-1.5.4-1',
      },
    ],
  },
  {
    clause: 'MQTT-3.1.3-8',
    what: 'an empty client id: MQTT 5 always, 3.1.1 with Clean Session, 3.1 never; a long one: up to the limit',
    accepts: [
      { level: 5, bytes: '10 ~ "MQTT" 05 00 003c () ""', after: '', gives: { clientId: '' } },
      { level: 4, bytes: '10 ~ "MQTT" 04 02 003c ""', after: '', gives: { clientId: '' } },
      { level: 3, bytes: '10 ~ "MQIsdp" 03 02 003c "a-client-id-of-more-than-23-bytes"', after: '' },
      { level: 4, bytes: '10 ~ "MQTT" 04 02 003c 0400 61*1024', after: '' },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 00 003c ""', after: '', reason: 0x85, reply: '20020002' },
      { level: 3, bytes: '10 ~ "MQIsdp" 03 02 003c ""', after: '', reason: 0x85, reply: '20020002', clause: '3.1' },
      { level: 4, bytes: '10 ~ "MQTT" 04 02 003c ffff 61*65535', after: '', reason: 0x85, reply: '20020002' },
      { level: 5, bytes: '10 ~ "MQTT" 05 02 003c () ffff 61*65535', after: '', reason: 0x85, reply: CONNACK_CLIENT_ID },
    ],
  },
  {
    clause: 'MQTT-3.1.3-12',
    what: 'the user name is UTF-8 text; 3.1.1: MQTT-3.1.3-11',
    accepts: [{ level: 5, bytes: '10 ~ "MQTT" 05 82 003c () "c" "Zoë"', after: '', gives: { username: 'Zoë' } }],
    refuses: [
      { level: 5, bytes: '10 ~ "MQTT" 05 82 003c () "c" 0002 c328', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '10 ~ "MQTT" 04 82 003c "c" 0003 eda080', after: '', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: '3.1.2.11.10',
    what: 'authentication data comes with a method',
    accepts: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (15 "m" 16 "d") "c"',
        after: '',
        gives: { properties: { authenticationMethod: 'm' } },
      },
    ],
    refuses: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (16 "d") "c"',
        after: '',
        reason: PROTOCOL_ERROR,
        reply: CONNACK_PROTOCOL_ERROR,
      },
    ],
  },
  {
    clause: '3.1.2.11.3',
    what: 'Receive Maximum is not 0',
    accepts: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (21 0001) "c"',
        after: '',
        gives: { properties: { receiveMaximum: 1 } },
      },
    ],
    refuses: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (21 0000) "c"',
        after: '',
        reason: PROTOCOL_ERROR,
        reply: CONNACK_PROTOCOL_ERROR,
      },
    ],
  },
  {
    clause: '3.1.2.11.4',
    what: "Maximum Packet Size is not 0; a CONNECT above the server's own is refused",
    accepts: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (27 ffffffff) "c"',
        after: '',
        gives: { properties: { maximumPacketSize: 4294967295 } },
      },
    ],
    refuses: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (27 00000000) "c"',
        after: '',
        reason: PROTOCOL_ERROR,
        reply: CONNACK_PROTOCOL_ERROR,
      },
      { level: 5, bytes: '10 ~ "MQTT" 05 42 003c () "c" 00*140000', after: '', reason: 0x95, reply: '2003009500' },
      { level: 4, bytes: '10 ~ "MQTT" 04 42 003c "c" 00*140000', after: '', reason: 0x95, reply: SILENCE },
    ],
  },
  {
    clause: '3.1.2.11.6',
    what: 'Request Response Information is 0 or 1',
    accepts: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (19 01) "c"',
        after: '',
        gives: { properties: { requestResponseInformation: 1 } },
      },
    ],
    refuses: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (19 02) "c"',
        after: '',
        reason: PROTOCOL_ERROR,
        reply: CONNACK_PROTOCOL_ERROR,
      },
    ],
  },
  {
    clause: '3.1.2.11.7',
    what: 'Request Problem Information is 0 or 1',
    accepts: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (17 00) "c"',
        after: '',
        gives: { properties: { requestProblemInformation: 0 } },
      },
    ],
    refuses: [
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 02 003c (17 02) "c"',
        after: '',
        reason: PROTOCOL_ERROR,
        reply: CONNACK_PROTOCOL_ERROR,
      },
    ],
  },
]
