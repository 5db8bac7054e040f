/** Sections 3.8, 3.10, 4.7 and 4.8.2: subscriptions. */
import {
  type Clause,
  DISCONNECT_MALFORMED,
  DISCONNECT_PROTOCOL_ERROR,
  MALFORMED,
  PROTOCOL_ERROR,
  SILENCE,
} from './clause.ts'

export const SUBSCRIBE_CLAUSES: readonly Clause[] = [
  {
    clause: 'MQTT-3.8.3-2',
    what: 'SUBSCRIBE has a topic filter; 3.1.1: MQTT-3.8.3-3',
    accepts: [
      {
        level: 4,
        bytes: '82 ~ 0001 "a" 00 "b/#" 02',
        gives: {
          subscriptions: [
            { filter: 'a', qos: 0 },
            { filter: 'b/#', qos: 2 },
          ],
        },
      },
    ],
    refuses: [
      { level: 4, bytes: '82 ~ 0001', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: '82 03 0001 00', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: 'MQTT-3.10.3-2',
    what: 'UNSUBSCRIBE has a topic filter',
    accepts: [
      { level: 4, bytes: 'a2 ~ 0001 "a" "+/b"', gives: { filters: ['a', '+/b'] } },
      {
        level: 5,
        bytes: 'a2 ~ 0001 (26 "n" "v") "a"',
        gives: { filters: ['a'], properties: { userProperties: [['n', 'v']] } },
      },
    ],
    refuses: [
      { level: 4, bytes: 'a2 ~ 0001', reason: PROTOCOL_ERROR, reply: SILENCE },
      { level: 5, bytes: 'a2 03 0001 00', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: '2.1.4',
    what: 'a filter has its options and all of its bytes',
    accepts: [
      {
        level: 5,
        bytes: '82 ~ 0001 () "a" 2d',
        gives: { subscriptions: [{ qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 }] },
      },
    ],
    refuses: [
      { level: 4, bytes: '82 ~ 0001 "a"', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '82 ~ 0001 () "a" 00 "b"', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '82 ~ 0001 () "a" 00 00', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 4, bytes: 'a2 ~ 0001 0002 61', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: 'a201 00', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-1.5.4-1',
    what: 'a topic filter is UTF-8 text (MQTT-3.8.3-1, MQTT-3.10.3-1)',
    accepts: [{ level: 4, bytes: '82 ~ 0001 "ä/+" 01', gives: { subscriptions: [{ filter: 'ä/+' }] } }],
    refuses: [
      { level: 4, bytes: '82 ~ 0001 0003 746f00 00', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '82 ~ 0001 () 0003 eda080 00', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: 'a2 ~ 0001 () 0002 c328', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-3-8.3-4',
    what: 'of 3.1.1: the requested QoS is 0, 1 or 2 and the other bits are 0',
    accepts: [
      {
        level: 4,
        bytes: '82 ~ 0001 "a" 02',
        gives: { subscriptions: [{ qos: 2, noLocal: false, retainHandling: 0 }] },
      },
      { level: 3, bytes: '82 ~ 0001 "a" 01', gives: { subscriptions: [{ qos: 1 }] } },
    ],
    refuses: [
      { level: 4, bytes: '82 ~ 0001 "a" 03', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '82 ~ 0001 "a" 04', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '82 ~ 0001 "a" 80', reason: MALFORMED, reply: SILENCE },
      { level: 3, bytes: '82 ~ 0001 "a" 03', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: '3.8.3.1',
    what: 'maximum QoS and Retain Handling are not 3',
    accepts: [{ level: 5, bytes: '82 ~ 0001 () "a" 12', gives: { subscriptions: [{ qos: 2, retainHandling: 1 }] } }],
    refuses: [
      { level: 5, bytes: '82 ~ 0001 () "a" 03', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
      { level: 5, bytes: '82 ~ 0001 () "a" 30', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: 'MQTT-3.8.3-5',
    what: 'reserved subscription options are 0',
    accepts: [
      {
        level: 5,
        bytes: '82 ~ 0001 () "a" 2e',
        gives: { subscriptions: [{ qos: 2, noLocal: true, retainAsPublished: true }] },
      },
    ],
    refuses: [
      { level: 5, bytes: '82 ~ 0001 () "a" 40', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '82 ~ 0001 () "a" 80', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '82 ~ 0001 () "a" ff', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-3.8.3-4',
    what: 'no No Local on a shared subscription',
    accepts: [
      {
        level: 5,
        bytes: '82 ~ 0001 () "$share/g/a" 01',
        gives: { subscriptions: [{ filter: '$share/g/a', noLocal: false }] },
      },
      { level: 5, bytes: '82 ~ 0001 () "$shared/g/a" 04', gives: { subscriptions: [{ noLocal: true }] } },
    ],
    refuses: [
      { level: 5, bytes: '82 ~ 0001 () "$share/g/a" 05', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: '3.8.2.1.2',
    what: 'Subscription Identifier is not 0',
    accepts: [
      {
        level: 5,
        bytes: '82 ~ 0001 (0b ffffff7f) "a" 00',
        gives: { properties: { subscriptionIdentifier: 268435455 } },
      },
      { level: 5, bytes: '82 ~ 0001 (0b 01) "a" 00', gives: { properties: { subscriptionIdentifier: 1 } } },
    ],
    refuses: [
      { level: 5, bytes: '82 ~ 0001 (0b 00) "a" 00', reason: PROTOCOL_ERROR, reply: DISCONNECT_PROTOCOL_ERROR },
    ],
  },
  {
    clause: 'MQTT-4.7.1-1',
    what: '`#` is the whole last level; 3.1.1: MQTT-4.7.1-2',
    accepts: [
      { level: 4, bytes: '82 ~ 0001 "#" 00' },
      { level: 4, bytes: '82 ~ 0001 "/#" 00' },
      { level: 5, bytes: '82 ~ 0001 () "a/b/#" 00' },
      { level: 5, bytes: 'a2 ~ 0001 () "$SYS/#"' },
    ],
    refuses: [
      { level: 4, bytes: '82 ~ 0001 "a#" 00', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '82 ~ 0001 "a/#/b" 00', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '82 ~ 0001 () "#/" 00', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: 'a2 ~ 0001 () "a/#b"', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-4.7.1-2',
    what: '`+` is a whole level; 3.1.1: MQTT-4.7.1-3',
    accepts: [
      { level: 4, bytes: '82 ~ 0001 "+" 00' },
      { level: 4, bytes: '82 ~ 0001 "+/+/" 00' },
      { level: 5, bytes: '82 ~ 0001 () "/+/#" 00' },
    ],
    refuses: [
      { level: 4, bytes: '82 ~ 0001 "a+" 00', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '82 ~ 0001 "ab/+e" 00', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: 'a2 ~ 0001 () "++"', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-4.7.3-1',
    what: 'a topic filter is not empty',
    accepts: [{ level: 4, bytes: '82 ~ 0001 "/" 00', gives: { subscriptions: [{ filter: '/' }] } }],
    refuses: [
      { level: 4, bytes: '82 ~ 0001 "" 00', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '82 ~ 0001 () "q" 00 "" 00', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: 'a2 ~ 0001 () ""', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: '4.7.3',
    what: 'a topic filter has at most so many bytes and levels as the server takes',
    accepts: [{ level: 4, bytes: '82 ~ 0001 0063 2f*99 00' }],
    refuses: [
      { level: 4, bytes: '82 ~ 0001 0064 2f*100 00', reason: 0x8f, reply: SILENCE },
      { level: 5, bytes: '82 ~ 0001 () 1001 61*4097 00', reason: 0x8f, reply: 'e0018f' },
    ],
  },
  {
    clause: 'MQTT-4.8.2-1',
    what: 'a shared subscription names its group',
    accepts: [
      { level: 5, bytes: '82 ~ 0001 () "$share/group/a/+" 01' },
      { level: 4, bytes: '82 ~ 0001 "$share//a" 01' },
    ],
    refuses: [
      { level: 5, bytes: '82 ~ 0001 () "$share//a" 01', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: 'a2 ~ 0001 () "$share/"', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-4.8.2-2',
    what: 'the group has no wildcard, and a topic filter follows it',
    accepts: [
      { level: 5, bytes: '82 ~ 0001 () "$share/g//" 01' },
      { level: 5, bytes: '82 ~ 0001 () "$share" 01' },
    ],
    refuses: [
      { level: 5, bytes: '82 ~ 0001 () "$share/+/a" 01', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '82 ~ 0001 () "$share/#" 01', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '82 ~ 0001 () "$share/g" 01', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
      { level: 5, bytes: '82 ~ 0001 () "$share/g/" 01', reason: MALFORMED, reply: DISCONNECT_MALFORMED },
    ],
  },
]
