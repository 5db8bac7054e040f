/** All commands: a line about each, and the file that has the rest, which is loaded when it is named. */
import type { Register } from './client-command.ts'

export interface CatalogEntry {
  readonly about: string
  readonly group: string
  /** Absent: the server's own program carries it out. */
  readonly load?: () => Promise<{ readonly register: Register }>
}

const USE = 'Messages:'
const ADMIN = 'Administration:'
const SERVE = 'Server:'
const STORE = 'Store:'

export const CATALOG = {
  send: { about: 'sends a message', group: USE, load: () => import('./commands/send.ts') },
  listen: {
    about: 'receives messages as a device does, with its token',
    group: USE,
    load: () => import('./commands/listen.ts'),
  },
  messages: {
    about: 'what became of a message; takes it back',
    group: USE,
    load: () => import('./commands/messages.ts'),
  },
  token: {
    about: 'issues, lists, shows and revokes message tokens',
    group: USE,
    load: () => import('./commands/token.ts'),
  },
  inspect: {
    about: 'a token, an account or the server: state, sessions, what is pending',
    group: ADMIN,
    load: () => import('./commands/inspect.ts'),
  },
  tail: { about: 'events as they happen', group: ADMIN, load: () => import('./commands/tail.ts') },
  keys: { about: 'provider keys', group: ADMIN, load: () => import('./commands/keys.ts') },
  'signing-keys': {
    about: 'keys of message tokens',
    group: ADMIN,
    load: () => import('./commands/signing-keys.ts'),
  },
  'verify-isolation': {
    about: 'proves on a live server that nobody receives what is not theirs',
    group: ADMIN,
    load: () => import('./commands/verify-isolation.ts'),
  },
  bridge: { about: 'HTTP apart from the broker: publishes into the MQTT broker of --broker-url', group: SERVE },
  mosquitto: { about: 'serves what a mosquitto.conf describes', group: SERVE },
  export: { about: 'writes all that is stored to standard output', group: STORE },
  import: { about: 'takes an export from standard input', group: STORE },
  'import-mosquitto': { about: 'takes what a Mosquitto that was stopped has kept', group: STORE },
} as const satisfies Readonly<Record<string, CatalogEntry>>

export type CommandName = keyof typeof CATALOG

/** Own names only: `constructor` is no command. */
export function entryOf(word: string | undefined): CatalogEntry | undefined {
  return word !== undefined && Object.hasOwn(CATALOG, word) ? CATALOG[word as CommandName] : undefined
}
