/** Judges unknown names: which setting was meant, or whether they belong to another program. */
import { nearest } from '../common/nearest.ts'

/**
 * Variables that Kubernetes and Docker add to every container next to a service named `push` or `push-...`: addresses
 * that nobody wrote.
 */
const SERVICE_LINK = /^PUSH_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/

/** Variables of commands that call a server; they are not settings. */
const OF_COMMANDS = new Set([
  'PUSH_URL',
  'PUSH_MQTT_URL',
  'PUSH_PROVIDER_KEY_FILE',
  'PUSH_TOKEN',
  'PUSH_TOKEN_FILE',
  'PUSH_USER_PASSWORD',
])

export interface Judgement {
  /** The setting that was meant, if the name looks like a misspelling of it. */
  readonly meant?: string
  /** Neither a setting of ours nor meant as one. */
  readonly isForeign: boolean
}

/** Judges an environment variable. Other programs use variables that start with `PUSH_` too. */
export function judgeUnknown(name: string, known: readonly string[]): Judgement {
  if (!/^PUSH_/i.test(name) || known.includes(name) || OF_COMMANDS.has(name) || SERVICE_LINK.test(name))
    return { isForeign: true }
  const meant = nearest(name, known)
  return meant === undefined ? { isForeign: false } : { meant, isForeign: false }
}
