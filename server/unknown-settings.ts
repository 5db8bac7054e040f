/** Names that are no setting: which one was meant, or whose they may be. */
import { nearest } from '../common/nearest.ts'

/**
 * What Kubernetes and Docker put into the environment of every container beside a service named `push` or `push-...`:
 * addresses, which nobody wrote.
 */
const SERVICE_LINK = /^PUSH_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/

/** What commands read that ask a server; settings they are not. */
const OF_COMMANDS = new Set([
  'PUSH_URL',
  'PUSH_MQTT_URL',
  'PUSH_PROVIDER_KEY_FILE',
  'PUSH_TOKEN',
  'PUSH_TOKEN_FILE',
  'PUSH_USER_PASSWORD',
])

export interface Judgement {
  /** The setting that was meant, when the name is that of one except for a slip. */
  readonly meant?: string
  /** It is no setting of ours, nor was meant to be. */
  readonly isForeign: boolean
}

/** Of a variable of the environment. Other programs have variables that begin with `PUSH_` too. */
export function judgeUnknown(name: string, known: readonly string[]): Judgement {
  if (!/^PUSH_/i.test(name) || known.includes(name) || OF_COMMANDS.has(name) || SERVICE_LINK.test(name))
    return { isForeign: true }
  const meant = nearest(name, known)
  return meant === undefined ? { isForeign: false } : { meant, isForeign: false }
}
