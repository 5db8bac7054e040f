/** Maps what is wrong with a packet to the catalogue and to MQTT 3.1.1. */
import { PushError } from '../../errors.ts'
import { ProtocolViolation } from '../codec/decoder.ts'

export function toPushError(error: unknown): PushError {
  if (error instanceof PushError) return error
  if (error instanceof ProtocolViolation) return new PushError(error.code, `${error.message} [${error.clause}]`)
  return new PushError('INTERNAL')
}

/** CONNACK return codes of MQTT 3.1.1 section 3.2.2.3 for our refusals. */
export function returnCodeOf(error: PushError): number {
  switch (error.code) {
    case 'PROTOCOL_VERSION_UNSUPPORTED':
      return 1
    case 'CLIENT_ID_INVALID':
    case 'CLIENT_ID_REFUSED':
    // 3.1.1 has no code for it; this is what Mosquitto answers.
    case 'KEEP_ALIVE_TOO_LONG':
      return 2
    case 'STORE_UNAVAILABLE':
    case 'SHUTTING_DOWN':
    case 'CONNECTIONS_LIMIT':
    case 'CLIENTS_LIMIT':
    case 'CONNECT_RATE_EXCEEDED':
    case 'TOKEN_NOT_YET_VALID':
    case 'USER_UNCHECKED':
    case 'INTERNAL':
      return 3
    case 'CREDENTIALS_INVALID':
    case 'TOKEN_INVALID':
      return 4
    default:
      return 5
  }
}
