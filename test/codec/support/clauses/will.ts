/** Sections 3.1.2.5 to 3.1.2.7 and 3.1.3.2 to 3.1.3.4: the will. */
import { CONNACK_MALFORMED, type Clause, MALFORMED, SILENCE } from './clause.ts'

export const WILL_CLAUSES: readonly Clause[] = [
  {
    clause: 'MQTT-3.1.2-11',
    what: 'no will QoS without a will; 3.1.1: MQTT-3.1.2-13; 3.1 disregards it',
    accepts: [
      { level: 4, bytes: '10 ~ "MQTT" 04 02 003c "c"', after: '', gives: { will: undefined } },
      { level: 3, bytes: '10 ~ "MQIsdp" 03 1a 003c "c"', after: '', gives: { will: undefined } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 0a 003c "c"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '10 ~ "MQTT" 05 12 003c () "c"', after: '', reason: MALFORMED, reply: CONNACK_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-3.1.2-12',
    what: 'the will QoS is not 3; 3.1.1: MQTT-3.1.2-14',
    accepts: [
      { level: 4, bytes: '10 ~ "MQTT" 04 16 003c "c" "w" "m"', after: '', gives: { will: { qos: 2, retain: false } } },
      { level: 5, bytes: '10 ~ "MQTT" 05 0e 003c () "c" () "w" "m"', after: '', gives: { will: { qos: 1 } } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 1e 003c "c" "w" "m"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '10 ~ "MQTT" 04 1a 003c "c"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '10 ~ "MQTT" 05 1e 003c () "c" () "w" "m"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 3, bytes: '10 ~ "MQIsdp" 03 1e 003c "c" "w" "m"', after: '', reason: MALFORMED, reply: SILENCE },
    ],
  },
  {
    clause: 'MQTT-3.1.2-13',
    what: 'no will retain without a will; 3.1.1: MQTT-3.1.2-15; 3.1 disregards it',
    accepts: [
      { level: 4, bytes: '10 ~ "MQTT" 04 26 003c "c" "w" "m"', after: '', gives: { will: { retain: true, qos: 0 } } },
      { level: 3, bytes: '10 ~ "MQIsdp" 03 22 003c "c"', after: '', gives: { will: undefined } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 22 003c "c"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 5, bytes: '10 ~ "MQTT" 05 22 003c () "c"', after: '', reason: MALFORMED, reply: CONNACK_MALFORMED },
    ],
  },
  {
    clause: '2.1.4',
    what: 'with the Will Flag the will is there (MQTT-3.1.2-9)',
    accepts: [
      { level: 4, bytes: '10 ~ "MQTT" 04 06 003c "c" "w" ""', after: '', gives: { will: { topic: 'w' } } },
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 06 003c () "c" (18 00000005 26 "n" "v") "w" "m"',
        after: '',
        gives: { will: { topic: 'w', properties: { willDelayInterval: 5, userProperties: [['n', 'v']] } } },
      },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 06 003c "c"', after: '', reason: MALFORMED, reply: SILENCE },
      { level: 4, bytes: '10 ~ "MQTT" 04 06 003c "c" "w"', after: '', reason: MALFORMED, reply: SILENCE },
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 06 003c () "c" () "w"',
        after: '',
        reason: MALFORMED,
        reply: CONNACK_MALFORMED,
      },
      { level: 5, bytes: '10 ~ "MQTT" 05 06 003c () "c"', after: '', reason: MALFORMED, reply: CONNACK_MALFORMED },
    ],
  },
  {
    clause: 'MQTT-1.5.4-1',
    what: 'the will topic is UTF-8 text (MQTT-3.1.3-11; 3.1.1: MQTT-3.1.3-10)',
    accepts: [
      { level: 4, bytes: '10 ~ "MQTT" 04 06 003c "c" "weg/ö" "m"', after: '', gives: { will: { topic: 'weg/ö' } } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 06 003c "c" 0003 eda080 "m"', after: '', reason: MALFORMED, reply: SILENCE },
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 06 003c () "c" () 0002 7700 "m"',
        after: '',
        reason: MALFORMED,
        reply: CONNACK_MALFORMED,
      },
    ],
  },
  {
    clause: 'MQTT-3.3.2-2',
    what: 'the will topic has no wildcard, as the PUBLISH that it becomes',
    accepts: [
      { level: 5, bytes: '10 ~ "MQTT" 05 06 003c () "c" () "a/b" "m"', after: '', gives: { will: { topic: 'a/b' } } },
    ],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 06 003c "c" "a/#" "m"', after: '', reason: MALFORMED, reply: SILENCE },
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 06 003c () "c" () "a+" "m"',
        after: '',
        reason: MALFORMED,
        reply: CONNACK_MALFORMED,
      },
    ],
  },
  {
    clause: 'MQTT-4.7.3-1',
    what: 'the will topic is not empty',
    accepts: [{ level: 4, bytes: '10 ~ "MQTT" 04 06 003c "c" "/" "m"', after: '', gives: { will: { topic: '/' } } }],
    refuses: [
      { level: 4, bytes: '10 ~ "MQTT" 04 06 003c "c" "" "m"', after: '', reason: MALFORMED, reply: SILENCE },
      {
        level: 5,
        bytes: '10 ~ "MQTT" 05 06 003c () "c" () "" "m"',
        after: '',
        reason: MALFORMED,
        reply: CONNACK_MALFORMED,
      },
    ],
  },
]
