/** Settings that only make sense together. A default gives way to what is given; what is given and does not fit is refused. */
import { ConfigError, named, SETTINGS, type Config, type SettingName } from './settings.ts'

type NumberName = { [N in SettingName]: Config[N] extends number ? N : never }[SettingName]

interface Order {
  readonly lower: NumberName
  readonly upper: NumberName
  /** Which of them gives way when it was not given. */
  readonly yields: 'lower' | 'upper'
  /** The upper one has room for so much, when the lower one is so much. */
  readonly room?: (lower: number) => number
  /** 0 is without limit, and so fits. */
  readonly zeroIsOff?: boolean
  readonly why: string
}

/** Of what goes around the payload in a packet: topic, properties, packet id. */
const PACKET_ROOM = 1024

const ORDERS: readonly Order[] = [
  {
    lower: 'PUSH_TOKEN_TTL',
    upper: 'PUSH_TOKEN_TTL_MAX',
    yields: 'lower',
    why: 'the usual life of a token is not longer than the longest',
  },
  {
    lower: 'PUSH_MESSAGE_TTL',
    upper: 'PUSH_MESSAGE_TTL_MAX',
    yields: 'lower',
    why: 'the usual time to live is not longer than the longest',
  },
  {
    lower: 'PUSH_MAX_PAYLOAD',
    upper: 'PUSH_MAX_PENDING_BYTES',
    yields: 'upper',
    why: 'the largest payload fits into what waits for a device',
  },
  {
    lower: 'PUSH_MAX_PAYLOAD',
    upper: 'PUSH_MAX_BROADCAST_BYTES',
    yields: 'upper',
    why: 'the largest payload fits into a broadcast log',
  },
  {
    lower: 'PUSH_MAX_PAYLOAD',
    upper: 'PUSH_MAX_QUEUED_BYTES',
    yields: 'upper',
    why: 'the largest payload fits into what is held for a provider or user',
  },
  {
    lower: 'PUSH_MAX_PAYLOAD',
    upper: 'PUSH_MAX_BODY',
    yields: 'upper',
    room: (payload) => Math.ceil(payload / 3) * 4 + PACKET_ROOM,
    why: 'the largest payload fits into a request, as base64 and with 1,024 bytes around it',
  },
  {
    lower: 'PUSH_MAX_PAYLOAD',
    upper: 'PUSH_MAX_PACKET',
    yields: 'upper',
    room: (payload) => payload + PACKET_ROOM,
    why: 'the largest payload fits into a packet, with 1,024 bytes around it',
  },
  {
    lower: 'PUSH_MAX_CONNECTIONS_PER_ADDRESS',
    upper: 'PUSH_MAX_CONNECTIONS',
    yields: 'upper',
    zeroIsOff: true,
    why: 'one address has no more connections than there are in all',
  },
]

/** @throws ConfigError */
export function fit(config: Config, given: ReadonlySet<string>): Config {
  const fitting = { ...config } as { -readonly [N in SettingName]: Config[N] }
  for (const { lower, upper, yields, room = (value: number) => value, zeroIsOff = false, why } of ORDERS) {
    const isGiven = given.has(yields === 'lower' ? lower : upper)
    const other = given.has(yields === 'lower' ? upper : lower)
    const least = room(fitting[lower])
    if (least <= fitting[upper] || (zeroIsOff && fitting[lower] === 0)) continue
    // Both are defaults only where an earlier line has changed one.
    if (!isGiven && yields === 'lower') fitting[lower] = fitting[upper]
    else if (!isGiven) fitting[upper] = least
    else if (other || yields === 'lower') throw new ConfigError(unfitting(fitting, lower, upper, why))
  }
  return fitting
}

function unfitting(config: Config, lower: NumberName, upper: NumberName, why: string): string {
  const value = (name: NumberName) =>
    `${config[name]}${config[name] === SETTINGS[name].fallback ? ', its default,' : ''}`
  return `${named(lower)}: ${value(lower)} does not fit ${named(upper)}, which is ${config[upper]}: ${why}`
}
