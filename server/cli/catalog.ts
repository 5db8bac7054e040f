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
  send: { about: 'send a message', group: USE, load: () => import('./commands/send.ts') },
  listen: {
    about: 'receive messages as a device, with its token',
    group: USE,
    load: () => import('./commands/listen.ts'),
  },
  messages: {
    about: 'status of a message; recall it',
    group: USE,
    load: () => import('./commands/messages.ts'),
  },
  token: {
    about: 'issue, list, show and revoke message tokens',
    group: USE,
    load: () => import('./commands/token.ts'),
  },
  inspect: {
    about: 'state, sessions and pending messages of a token or account; or the server',
    group: ADMIN,
    load: () => import('./commands/inspect.ts'),
  },
  tail: { about: 'follow events as they happen', group: ADMIN, load: () => import('./commands/tail.ts') },
  keys: {
    about: 'create, list, change, rotate and revoke provider keys',
    group: ADMIN,
    load: () => import('./commands/keys.ts'),
  },
  'signing-keys': {
    about: 'list, rotate and retire the keys that sign message tokens',
    group: ADMIN,
    load: () => import('./commands/signing-keys.ts'),
  },
  'verify-isolation': {
    about: 'check on a live server that nobody receives what is not theirs',
    group: ADMIN,
    load: () => import('./commands/verify-isolation.ts'),
  },
  bridge: { about: 'serve the HTTP API in front of the MQTT broker of --broker-url', group: SERVE },
  mosquitto: { about: 'serve what a mosquitto.conf describes', group: SERVE },
  export: { about: 'write everything that is stored to standard output', group: STORE },
  import: { about: 'read an export from standard input', group: STORE },
  'import-mosquitto': { about: 'take over the database of a stopped Mosquitto', group: STORE },
} as const satisfies Readonly<Record<string, CatalogEntry>>

export type CommandName = keyof typeof CATALOG

/** Own names only: `constructor` is no command. */
export function entryOf(word: string | undefined): CatalogEntry | undefined {
  return word !== undefined && Object.hasOwn(CATALOG, word) ? CATALOG[word as CommandName] : undefined
}
