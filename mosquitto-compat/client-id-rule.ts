/** The client id of a user's session, by the options of a mosquitto.conf. */
import { type AskedClientId, type ListenerRules, PushError } from '../index.ts'
import type { ListenerConf } from './conf/index.ts'
import { identityOf } from './identity.ts'

type ClientIdConf = Pick<ListenerConf, 'useUsernameAsClientId' | 'identity' | 'security'>

/** `prefix`: of `clientid_prefixes`. `uuid` makes a new one each time. */
export function clientIdRule(
  { useUsernameAsClientId, identity, security }: ClientIdConf,
  prefix: string | undefined,
  uuid: () => string,
): NonNullable<ListenerRules['clientId']> {
  return (asked) => {
    const made = asked.clientId === ''
    if (made && !mayBeEmpty(asked, security.allowZeroLengthClientId))
      throw new PushError('CLIENT_ID_REFUSED', 'it is empty')
    const clientId = made ? `${security.autoIdPrefix}${uuid().toUpperCase()}` : asked.clientId
    // As Mosquitto does: by the id that was sent, also where the username takes its place.
    if (prefix !== undefined && !clientId.startsWith(prefix)) throw new PushError('USER_REFUSED', 'clientid_prefixes')
    if (!useUsernameAsClientId) return { clientId, made }
    const username = identity === undefined ? asked.username : identityOf(asked.certificate, identity)
    if (username === undefined || username === '')
      throw new PushError('USER_REFUSED', 'use_username_as_clientid, and it has no user name')
    return { clientId: username, made }
  }
}

/** [MQTT-3.1.3-8] */
function mayBeEmpty({ level, cleanStart }: AskedClientId, allowed: boolean): boolean {
  return allowed && level !== 3 && (level === 5 || cleanStart)
}
