/** Lines of the log about connections, in the words that tools look for in Mosquitto's. */
import type { ConnectedUser, ConnectionEnd, ErrorCode } from '../../index.ts'

interface Lines {
  readonly connectionMessages: boolean
  write(type: 'notice', text: string): void
}

/** For `ListenerRules.connected`. */
export function connectionLines(log: Lines): (user: ConnectedUser) => (end: ConnectionEnd) => void {
  return (user) => {
    if (log.connectionMessages) log.write('notice', connectedLine(user))
    return (end) => {
      if (log.connectionMessages) log.write('notice', `Client ${user.clientId} ${endOf(end)}`)
    }
  }
}

/** Mosquitto counts versions of the protocol from 1. */
function connectedLine({
  clientId,
  username,
  address,
  port = 0,
  level,
  cleanStart,
  keepAlive,
  isBridge,
}: ConnectedUser) {
  const name = username === '' ? '' : `, u'${username}'`
  const about = `p${level === 5 ? 5 : level - 2}, c${cleanStart ? 1 : 0}, k${keepAlive}${name}`
  return `New ${isBridge ? 'bridge' : 'client'} connected from ${address}:${port} as ${clientId} (${about}).`
}

const ENDS: Partial<Record<NonNullable<ConnectionEnd>, string>> = {
  DISCONNECT: 'disconnected.',
  KEEP_ALIVE_TIMEOUT: 'has exceeded timeout, disconnecting.',
  SESSION_TAKEN_OVER: 'already connected, closing old connection.',
  USER_REFUSED: 'disconnected: not authorised.',
}

function endOf(end: ConnectionEnd): string {
  return end === undefined ? 'closed its connection.' : (ENDS[end] ?? `disconnected: ${end}.`)
}

type Details = Readonly<Record<string, unknown>>

/** What the gate logs of a connection that it lets nobody in by; undefined: it is another line. */
export function refusalLine(
  message: string | undefined,
  { code, detail, address, port = 0 }: Details,
): string | undefined {
  if (message !== 'connection refused') return undefined
  const from = `Connection from ${String(address)}:${String(port)} rejected`
  switch (code as ErrorCode) {
    case 'PROXY_HEADER_INVALID':
      return 'Connection rejected, corrupt PROXY header.'
    case 'PROXY_CLIENT_INSECURE':
      return detail === 'without TLS'
        ? `${from}, client did not connect using TLS.`
        : `${from}, client did not provide a certificate.`
    default:
      return undefined
  }
}
