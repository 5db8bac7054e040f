/** All commands that ask a running server. */
import type { AdminCommand, AdminGroup, AdminOptions } from './admin-command.ts'
import { KEY_COMMANDS } from './keys.ts'
import { flag, text } from './options.ts'
import { SIGNING_KEY_COMMANDS } from './signing-keys.ts'

export const ADMIN_GROUPS: Readonly<Record<string, AdminGroup>> = {
  keys: KEY_COMMANDS,
  'signing-keys': SIGNING_KEY_COMMANDS,
}

/** Of each of them. */
export const COMMON_OPTIONS = {
  url: text('of the server; http://127.0.0.1 with --http-port when absent', '<url>'),
  json: flag('prints JSON, as HTTP answers it'),
} as const satisfies AdminOptions

/** Own names only: `constructor` is no command. */
export function groupOf(word: string | undefined): AdminGroup | undefined {
  return word !== undefined && Object.hasOwn(ADMIN_GROUPS, word) ? ADMIN_GROUPS[word] : undefined
}

export function commandOf(group: AdminGroup, verb: string | undefined): AdminCommand | undefined {
  return verb !== undefined && Object.hasOwn(group.commands, verb) ? group.commands[verb] : undefined
}
