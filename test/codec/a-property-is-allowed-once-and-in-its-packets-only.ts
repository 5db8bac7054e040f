// Is every property of MQTT 5 taken in the packets that may carry it, and refused elsewhere, twice, cut off or unknown?
import { t } from '../support/tap.ts'
import { PROPERTY_TYPES } from '../../broker/codec/property-ids.ts'
import { connected, decode, refusal, unconnected } from './support/decoding.ts'
import { wire } from './support/wire.ts'

const VALUES: Record<string, string> = {
  byte: '01',
  twoByteInteger: '0005',
  fourByteInteger: '00000000',
  variableByteInteger: '07',
  text: '"p"',
  binary: '0002 00ff',
  textPair: '"n" "v"',
}

interface Carrier {
  readonly packet: (properties: string) => string
  /** What tables 2-4 and 3.x allow from a client; Server Reference in DISCONNECT is not forbidden. */
  readonly allowed: readonly number[]
  /** Reason code for a property of another packet. */
  readonly otherwise: number
  readonly connect?: string
  readonly section: string
}

const MESSAGE = [0x01, 0x02, 0x03, 0x08, 0x09, 0x26]
const AFTER_METHOD = '10 ~ "MQTT" 05 02 003c (15 "p") "c"'

const CARRIERS: Record<string, Carrier> = {
  CONNECT: {
    packet: (properties) => `10 ~ "MQTT" 05 02 003c (${properties}) "c"`,
    allowed: [0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27],
    otherwise: 0x82,
    connect: '',
    section: '3.1.2.11',
  },
  will: {
    packet: (properties) => `10 ~ "MQTT" 05 06 003c () "c" (${properties}) "w" "m"`,
    allowed: [...MESSAGE, 0x18],
    otherwise: 0x82,
    connect: '',
    section: '3.1.3.2',
  },
  PUBLISH: {
    packet: (properties) => `30 ~ "a" (${properties}) 'payload'`,
    allowed: [...MESSAGE, 0x23],
    otherwise: 0x82,
    section: '3.3.2.3',
  },
  PUBACK: {
    packet: (properties) => `40 ~ 0001 00 (${properties})`,
    allowed: [0x1f, 0x26],
    otherwise: 0x82,
    section: '3.4.2.2',
  },
  PUBREC: {
    packet: (properties) => `50 ~ 0001 00 (${properties})`,
    allowed: [0x1f, 0x26],
    otherwise: 0x82,
    section: '3.4.2.2',
  },
  PUBREL: {
    packet: (properties) => `62 ~ 0001 00 (${properties})`,
    allowed: [0x1f, 0x26],
    otherwise: 0x82,
    section: '3.4.2.2',
  },
  PUBCOMP: {
    packet: (properties) => `70 ~ 0001 00 (${properties})`,
    allowed: [0x1f, 0x26],
    otherwise: 0x82,
    section: '3.4.2.2',
  },
  SUBSCRIBE: {
    packet: (properties) => `82 ~ 0001 (${properties}) "a" 00`,
    allowed: [0x0b, 0x26],
    otherwise: 0x81,
    section: '3.8.2.1',
  },
  UNSUBSCRIBE: {
    packet: (properties) => `a2 ~ 0001 (${properties}) "a"`,
    allowed: [0x26],
    otherwise: 0x81,
    section: '3.10.2.1',
  },
  DISCONNECT: {
    packet: (properties) => `e0 ~ 00 (${properties})`,
    allowed: [0x11, 0x1c, 0x1f, 0x26],
    otherwise: 0x82,
    section: '3.14.2.2',
  },
  AUTH: {
    packet: (properties) => `f0 ~ 18 (${properties})`,
    allowed: [0x15, 0x16, 0x1f, 0x26],
    otherwise: 0x82,
    connect: AFTER_METHOD,
    section: '3.15.2.2',
  },
}

const KNOWN = PROPERTY_TYPES.flatMap((type, id) =>
  type === undefined ? [] : [{ id, value: id === 0x27 ? '00000400' : (VALUES[type] ?? '') }],
)
const hex = (id: number) => id.toString(16).padStart(2, '0')

for (const [name, carrier] of Object.entries(CARRIERS)) {
  const decoder = () =>
    carrier.connect === '' ? unconnected() : connected(carrier.connect === undefined ? 5 : wire(carrier.connect))
  const refused = (properties: string) => refusal(decoder(), wire(carrier.packet(properties)))

  t.test(name, async (t) => {
    t.equal(
      decode(decoder(), wire(carrier.packet(name === 'AUTH' ? '15 "p"' : ''))).length,
      1,
      'the packet itself is well-formed',
    )
    for (const { id, value } of KNOWN) {
      const property = `${hex(id)} ${value}`
      // AUTH needs its method, and authentication data comes with one.
      const needed = id !== 0x15 && (name === 'AUTH' || id === 0x16) && carrier.allowed.includes(0x15) ? '15 "p" ' : ''
      if (carrier.allowed.includes(id)) {
        t.equal(decode(decoder(), wire(carrier.packet(needed + property))).length, 1, `takes ${hex(id)}`)
        checkSecond(t, needed, property, id)
      } else {
        t.match(refused(property), { reason: carrier.otherwise, clause: carrier.section }, `refuses ${hex(id)}`)
      }
      t.equal(refused(hex(id)).reason, 0x81, `refuses ${hex(id)} without its value`)
    }
    for (const id of ['00', '04', '0a', '10', '1b', '20', '2b', '7f', '8001', 'ff7f', '80808001']) {
      t.match(refused(`${id} 01`), { reason: 0x81, clause: '2.2.2.2' }, `refuses the unknown ${id}`)
    }
    t.equal(refused('8026 "n" "v"').reason, 0x81, 'refuses an identifier of more bytes than needed')
  })

  function checkSecond(
    t: {
      equal: (a: unknown, b: unknown, name: string) => unknown
      match: (a: unknown, b: unknown, name: string) => unknown
    },
    needed: string,
    property: string,
    id: number,
  ): void {
    if (id === 0x26) {
      const [packet] = decode(decoder(), wire(carrier.packet(`${needed}${property} 26 "n" "w"`)))
      const holder = packet?.type === 'connect' && name === 'will' ? packet.will : packet
      t.match(
        holder,
        {
          properties: {
            userProperties: [
              ['n', 'v'],
              ['n', 'w'],
            ],
          },
        },
        'takes user properties twice, in order',
      )
    } else {
      t.match(
        refused(`${needed}${property} ${property}`),
        { reason: 0x82, clause: carrier.section },
        `refuses ${hex(id)} twice`,
      )
    }
  }
}

t.test('the property length', async (t) => {
  t.match(refusal(connected(5), wire('30 ~ "a" 05 0101')), { reason: 0x81, clause: '2.2.2.1' }, 'beyond the packet')
  t.match(refusal(connected(5), wire('30 ~ "a" 03 0101 03 0001 70')), { reason: 0x81 }, 'in the midst of a property')
  t.match(
    refusal(connected(5), wire('30 ~ "a" 8000')),
    { reason: 0x81, clause: 'MQTT-1.5.5-1' },
    'of more bytes than needed',
  )
})
