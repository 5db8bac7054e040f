/**
 * The PROXY protocol header that a balancer sends before the bytes of its client: version 2 (section 2.2), and version
 * 1 (section 2.1) if configured.
 */
import { isIPv4, isIPv6, type Socket } from 'node:net'
import { PushError } from '../../errors.ts'
import { plainAddress } from '../../common/networks.ts'

const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const VERSION_1 = Buffer.from('PROXY ')
const LINE_END = Buffer.from('\r\n')
const VERSION_1_BYTES = 107
const FIXED_BYTES = 16
/** Addresses and what balancers add to them; the largest that is seen in practice carries a TLS certificate's names. */
const MAXIMUM_BYTES = 4096
const LOCAL = 0x20
const PROXY = 0x21
const INET = 0x1
const INET6 = 0x2
const UNIX = 0x3
const UNIX_PATH_BYTES = 108
const NOTHING: Buffer = Buffer.alloc(0)

export type ProxyVersion = 1 | 2

export interface ProxyHeader {
  /** Address of the client; undefined if the balancer speaks for itself or does not say. A path where the client came by one. */
  readonly address: string | undefined
  readonly port: number | undefined
  /** Of the whole header. */
  readonly bytes: number
  /** The balancer speaks for itself: it looks whether somebody is there. */
  readonly isLocal: boolean
  /** Optional fields of version 2, which `tlsIn` reads. */
  readonly more: Buffer
}

/** The header at the start of `bytes`; undefined while it is not all there. @throws PushError PROXY_HEADER_INVALID */
export function parseProxyHeader(bytes: Buffer, version: ProxyVersion): ProxyHeader | undefined {
  return version === 1 ? parseVersion1(bytes) : parseVersion2(bytes)
}

function parseVersion2(bytes: Buffer): ProxyHeader | undefined {
  if (startsLike(bytes, VERSION_1) && bytes.length > 0) {
    if (bytes.length < VERSION_1.length) return undefined
    throw invalid('version 1, and only version 2 is taken: tell the balancer to send that')
  }
  if (!startsLike(bytes, SIGNATURE)) throw invalid('no PROXY protocol header')
  if (bytes.length < FIXED_BYTES) return undefined
  const command = bytes.readUInt8(12)
  if (command !== LOCAL && command !== PROXY) throw invalid(`version and command 0x${command.toString(16)}`)
  const length = FIXED_BYTES + bytes.readUInt16BE(14)
  if (length > MAXIMUM_BYTES) throw invalid(`more than ${MAXIMUM_BYTES} bytes`)
  if (bytes.length < length) return undefined
  if (command === LOCAL) return { address: undefined, port: undefined, bytes: length, isLocal: true, more: NOTHING }
  const body = bytes.subarray(FIXED_BYTES, length)
  return { ...clientIn(body, bytes.readUInt8(13) >> 4), bytes: length, isLocal: false }
}

function startsLike(bytes: Buffer, pattern: Buffer): boolean {
  const length = Math.min(bytes.length, pattern.length)
  return bytes.subarray(0, length).equals(pattern.subarray(0, length))
}

/** Other address families are accepted, and their addresses ignored. */
function clientIn(body: Buffer, family: number): Pick<ProxyHeader, 'address' | 'port' | 'more'> {
  switch (family) {
    case INET:
      checkRoom(body, 12)
      return { address: [...body.subarray(0, 4)].join('.'), port: body.readUInt16BE(8), more: body.subarray(12) }
    case INET6:
      checkRoom(body, 36)
      return { address: ipv6(body.subarray(0, 16)), port: body.readUInt16BE(32), more: body.subarray(36) }
    case UNIX:
      return { address: pathIn(body), port: 0, more: body.subarray(2 * UNIX_PATH_BYTES) }
    default:
      return { address: undefined, port: undefined, more: NOTHING }
  }
}

function checkRoom(body: Buffer, bytes: number): void {
  if (body.length < bytes) throw invalid('its addresses are cut')
}

function pathIn(body: Buffer): string | undefined {
  const path = body.subarray(0, UNIX_PATH_BYTES)
  const end = path.indexOf(0)
  const text = path.subarray(0, end === -1 ? undefined : end).toString('utf8')
  return text === '' ? undefined : text
}

function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(group * 2).toString(16))
  return plainIpv6(groups.join(':'))
}

/** The one spelling of an address is what limits count by. */
function plainIpv6(address: string): string {
  return plainAddress(new URL(`http://[${address}]`).hostname.slice(1, -1))
}

function parseVersion1(bytes: Buffer): ProxyHeader | undefined {
  if (!startsLike(bytes, VERSION_1)) throw invalid('no PROXY protocol header of version 1')
  const end = bytes.indexOf(LINE_END)
  if (end === -1 && bytes.length < VERSION_1_BYTES) return undefined
  if (end === -1 || end + LINE_END.length > VERSION_1_BYTES) throw invalid(`no line end in ${VERSION_1_BYTES} bytes`)
  const words = bytes.subarray(VERSION_1.length, end).toString('latin1').split(' ')
  const rest = { bytes: end + LINE_END.length, isLocal: false, more: NOTHING }
  const [protocol, source = '', destination = '', port = '', ownPort = ''] = words
  if (protocol === 'UNKNOWN') return { address: undefined, port: undefined, ...rest }
  const isAddress = protocol === 'TCP4' ? isIPv4 : protocol === 'TCP6' ? isIPv6 : () => false
  if (words.length !== 5 || !isAddress(source) || !isAddress(destination) || !isPort(port) || !isPort(ownPort))
    throw invalid('its addresses or ports are none')
  return { address: protocol === 'TCP6' ? plainIpv6(source) : source, port: Number(port), ...rest }
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535
}

function invalid(detail: string): PushError {
  return new PushError('PROXY_HEADER_INVALID', detail)
}

/**
 * Takes the header off the socket, in however many chunks it comes, and leaves what follows it unread. Rejects with
 * what is wrong with it, or with CONNECT_TIMEOUT; never settles when the socket closes before.
 */
export async function takeProxyHeader(socket: Socket, version: ProxyVersion, timeoutMs: number): Promise<ProxyHeader> {
  return await new Promise<ProxyHeader>((resolve, reject) => {
    let held: Buffer = Buffer.alloc(0)
    const timer = setTimeout(() => done(() => reject(new PushError('CONNECT_TIMEOUT', 'PROXY header'))), timeoutMs)
    const done = (then: () => void) => {
      clearTimeout(timer)
      socket.off('readable', look).off('close', gone)
      then()
    }
    const gone = () => clearTimeout(timer)
    const look = () => {
      try {
        const chunk = socket.read() as Buffer | null
        if (chunk === null) return
        held = Buffer.concat([held, chunk])
        const header = parseProxyHeader(held, version)
        if (header === undefined) return
        const rest = held.subarray(header.bytes)
        done(() => {
          if (rest.length > 0) socket.unshift(rest)
          // The stream flows again for its next reader only after this turn.
          setImmediate(() => resolve(header))
        })
      } catch (error) {
        done(() => reject(error as Error))
      }
    }
    socket.on('readable', look).on('close', gone)
  })
}
