/** Sections 3.12, 3.14 and 3.15, and the fixed header (2.1). */
import {
  type Clause,
  DISCONNECT_MALFORMED,
  DISCONNECT_PROTOCOL_ERROR,
  MALFORMED,
  PROTOCOL_ERROR,
  SILENCE,
} from './clause.ts'

const WITH_METHOD = '10 ~ "MQTT" 05 02 003c (15 "m") "c"'
const WITH_EXPIRY = '10 ~ "MQTT" 05 02 003c (11 00000001) "c"'

export const SESSION_CLAUSES: readonly Clause[] = [
  {
    clause: '3.12',
    what: 'PINGREQ has no body',
    accepts: [
      { level: 4, bytes: 'c000', gives: { type: 'pingreq' } },
      { level: 5, bytes: 'c000', gives: { type: 'pingreq' } },
    ],
    refuses: [
      { level: 4, bytes: 'c001 00', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: 'c001 00', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: 'd001 00', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.14.2-1',
    what: 'DISCONNECT has a reason code that a client may use',
    accepts: [
      { level: 4, bytes: 'e000', gives: { type: 'disconnect', reason: 0 } },
      { level: 5, bytes: 'e000', gives: { reason: 0 } },
      { level: 5, bytes: 'e001 04', gives: { reason: 4 } },
      {
        level: 5,
        bytes: 'e0 ~ 99 (1f "why" 1c "other")',
        gives: { reason: 0x99, properties: { reasonString: 'why' } },
      },
    ],
    refuses: [
      { level: 5, bytes: 'e001 01', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: 'e001 8b', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: 'e001 9c', reason: PROTOCOL_ERROR, reply: SILENCE },
    ],
  },
  {
    clause: '3.14.2.2.2',
    what: 'DISCONNECT sets no session expiry where CONNECT had none',
    accepts: [
      {
        level: 5,
        bytes: 'e0 ~ 00 (11 0000000a)',
        after: WITH_EXPIRY,
        gives: { properties: { sessionExpiryInterval: 10 } },
      },
      { level: 5, bytes: 'e0 ~ 00 (11 00000000)', gives: { properties: { sessionExpiryInterval: 0 } } },
    ],
    refuses: [{ level: 5, bytes: 'e0 ~ 00 (11 00000001)', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR }],
  },
  {
    clause: '3.14',
    what: 'DISCONNECT has nothing behind its fields; before MQTT 5 it has none',
    accepts: [{ level: 5, bytes: 'e002 00 00', gives: { reason: 0 } }],
    refuses: [
      { level: 4, bytes: 'e001 00', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: 'e003 00 00 00', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-4.12.0-7',
    what: 'no AUTH without an authentication method in CONNECT',
    accepts: [
      { level: 5, bytes: 'f0 ~ 18 (15 "m" 16 "data")', after: WITH_METHOD, gives: { type: 'auth', reason: 0x18 } },
    ],
    refuses: [{ level: 5, bytes: 'f0 ~ 18 (15 "m")', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR }],
  },
  {
    clause: 'MQTT-4.12.0-5',
    what: 'AUTH has the method of CONNECT',
    accepts: [{ level: 5, bytes: 'f0 ~ 19 (15 "m")', after: WITH_METHOD, gives: { reason: 0x19 } }],
    refuses: [
      {
        level: 5,
        bytes: 'f0 ~ 19 (15 "n")',
        after: WITH_METHOD,
        reason: PROTOCOL_ERROR,
        reply: DISCONNECT_PROTOCOL_ERROR,
      },
      { level: 5, bytes: 'f0 ~ 19 ()', after: WITH_METHOD, reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: 'MQTT-3.15.2-1',
    what: 'AUTH has a reason code that a client may use',
    accepts: [{ level: 5, bytes: 'f0 ~ 18 (15 "m")', after: WITH_METHOD }],
    refuses: [
      {
        level: 5,
        bytes: 'f0 ~ 00 (15 "m")',
        after: WITH_METHOD,
        reason: PROTOCOL_ERROR,
        reply: DISCONNECT_PROTOCOL_ERROR,
      },
      { level: 5, bytes: 'f000', after: WITH_METHOD, reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: '3.15',
    what: 'AUTH has nothing behind its fields',
    accepts: [{ level: 5, bytes: 'f0 ~ 18 (15 "m")', after: WITH_METHOD }],
    refuses: [
      { level: 5, bytes: 'f0 ~ 18 (15 "m") 00', after: WITH_METHOD, reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-2.1.3-1',
    what: 'reserved flags have their value; 3.1.1: MQTT-2.2.2-2; 3.1 leaves them unused',
    accepts: [
      { level: 4, bytes: '4002 0001' },
      { level: 3, bytes: '4f02 0001', gives: { type: 'puback' } },
      { level: 3, bytes: '1e ~ "MQIsdp" 03 02 003c "c"', after: '', gives: { type: 'connect' } },
    ],
    refuses: [
      { level: 4, bytes: '4102 0001', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '5802 0001', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '7202 0001', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: 'c400', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 4, bytes: '11 ~ "MQTT" 04 02 003c "c"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '1f ~ "MQTT" 05 02 003c () "c"', after: '', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.6.1-1',
    what: 'the flags of PUBREL are 0010; 3.1 may set DUP',
    accepts: [
      { level: 4, bytes: '6202 0001', gives: { type: 'pubrel' } },
      { level: 3, bytes: '6a02 0001', gives: { type: 'pubrel' } },
    ],
    refuses: [
      { level: 5, bytes: '6002 0001', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 4, bytes: '6a02 0001', reason: MALFORMED, reply: SILENCE },
      { level: 3, bytes: '6002 0001', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.8.1-1',
    what: 'the flags of SUBSCRIBE are 0010; 3.1 may set DUP',
    accepts: [
      { level: 5, bytes: '82 ~ 0001 () "a" 00' },
      { level: 3, bytes: '8a ~ 0001 "a" 00', gives: { type: 'subscribe' } },
    ],
    refuses: [
      { level: 5, bytes: '80 ~ 0001 () "a" 00', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 4, bytes: '83 ~ 0001 "a" 00', reason: MALFORMED, reply: SILENCE },
      { level: 3, bytes: '84 ~ 0001 "a" 00', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.10.1-1',
    what: 'the flags of UNSUBSCRIBE are 0010; 3.1 may set DUP',
    accepts: [
      { level: 4, bytes: 'a2 ~ 0001 "a"' },
      { level: 3, bytes: 'aa ~ 0001 "a"', gives: { type: 'unsubscribe' } },
    ],
    refuses: [
      { level: 5, bytes: 'a0 ~ 0001 () "a"', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 4, bytes: 'aa ~ 0001 "a"', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.14.1-1',
    what: 'the flags of DISCONNECT are 0',
    accepts: [{ level: 5, bytes: 'e000' }],
    refuses: [
      { level: 5, bytes: 'e100', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 4, bytes: 'e800', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.15.1-1',
    what: 'the flags of AUTH are 0',
    accepts: [{ level: 5, bytes: 'f0 ~ 18 (15 "m")', after: WITH_METHOD }],
    refuses: [
      { level: 5, bytes: 'f1 ~ 18 (15 "m")', after: WITH_METHOD, reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: '2.2.1',
    what: 'AUTH exists in MQTT 5 only',
    accepts: [{ level: 5, bytes: 'f0 ~ 18 (15 "m")', after: WITH_METHOD }],
    refuses: [
      { level: 4, bytes: 'f000', reason: MALFORMED, reply: SILENCE },
      { level: 3, bytes: 'f000', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: '2.1.2',
    what: 'a client sends no packet of the server, and none of type 0',
    accepts: [{ level: 4, bytes: 'c000' }],
    refuses: [
      { level: 5, bytes: '00', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 4, bytes: '0000', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: '2003 000000', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 5, bytes: '9003 000100', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 5, bytes: 'b003 000100', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 5, bytes: 'd000', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 4, bytes: 'd000', reason: PROTOCOL_ERROR, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-1.5.5-1',
    what: 'a Variable Byte Integer has no more bytes than it needs',
    accepts: [
      { level: 4, bytes: '30 8001 0001 61 78*125' },
      { level: 5, bytes: '82 ~ 0001 (0b 8001) "a" 00', gives: { properties: { subscriptionIdentifier: 128 } } },
    ],
    refuses: [
      { level: 4, bytes: 'c08000', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: 'c08000', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '30 83808000 0001 61', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '82 ~ 0001 (0b 8000) "a" 00', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 4, bytes: '108000', after: '', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: '1.5.5',
    what: 'a Variable Byte Integer has at most four bytes',
    accepts: [
      { level: 5, bytes: '82 ~ 0001 (0b 80808001) "a" 00', gives: { properties: { subscriptionIdentifier: 2097152 } } },
    ],
    refuses: [
      { level: 5, bytes: '82 ~ 0001 (0b 8080808001) "a" 00', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '30ffffffff7f', reason: MALFORMED, reply: SILENCE, clause: '2.1.4' },
      { level: 4, bytes: '10ffffffff7f', after: '', reason: MALFORMED, reply: SILENCE, clause: '2.1.4' },
    ],
  },
  {
    clause: 'MQTT-3.2.2-15',
    what: 'a packet is not larger than the server announced',
    accepts: [{ level: 4, bytes: '30 ~ 0001 61 78*262144' }],
    refuses: [
      { level: 5, bytes: '30 ffff7f', reason: 0x95, reply: 'e00195' },
      { level: 4, bytes: '30 ffffff7f', reason: 0x95, reply: SILENCE },
    ],
  },
]
