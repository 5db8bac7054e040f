/** Log lines about connections, in the wording of Mosquitto that tools look for. */
import type { ConnectedUser, ConnectionEnd, ErrorCode, RefusedClient } from '../../index.ts'

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

/** For `ListenerRules.refused`. */
export function refusalLines(log: Lines): (client: RefusedClient) => void {
  return ({ clientId, address, port = 0, code }) => {
    if (log.connectionMessages && UNAUTHORISED.includes(code))
      log.write('notice', `Client ${clientId} [${address}:${port}] disconnected: not authorised.`)
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

/** What the gate logs, in Mosquitto's words; undefined: it is another line. */
export function gateLine(message: string | undefined, details: Details): string | undefined {
  const { address, port = 0, version, cipher } = details
  const from = `${String(address)}:${String(port)}`
  switch (message) {
    case 'connection refused':
      return rejectedLine(`Connection from ${from} rejected`, details)
    case 'TLS is terminated at the balancer':
      return `Connection from ${from} negotiated ${String(version)} cipher ${String(cipher)}`
    default:
      return undefined
  }
}

const UNAUTHORISED: readonly ErrorCode[] = ['USER_REFUSED', 'CREDENTIALS_INVALID', 'CREDENTIALS_MISSING']

function rejectedLine(from: string, { code, detail }: Details): string | undefined {
  if (code === 'PROXY_HEADER_INVALID') return 'Connection rejected, corrupt PROXY header.'
  if (code === 'CLIENT_CERTIFICATE_REFUSED') return `${from}, certificate verify failed: ${String(detail)}.`
  if (code !== 'PROXY_CLIENT_INSECURE') return undefined
  return detail === 'without TLS'
    ? `${from}, client did not connect using TLS.`
    : `${from}, client did not provide a certificate.`
}
