/** The header that a balancer sends before the bytes of its client: PROXY protocol, version 2 (section 2.2 of its text). */
import type { Socket } from 'node:net'
import { PushError } from '../../errors.ts'
import { plainAddress } from '../../common/networks.ts'

const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const VERSION_1 = Buffer.from('PROXY ')
const FIXED_BYTES = 16
/** Addresses and what balancers add to them; the largest that is seen in practice carries a TLS certificate's names. */
const MAXIMUM_BYTES = 4096
const LOCAL = 0x20
const PROXY = 0x21
const INET = 0x1
const INET6 = 0x2

export interface ProxyHeader {
  /** Of the client; undefined where the balancer speaks for itself (LOCAL) or does not say. */
  readonly address: string | undefined
  /** Of the whole header. */
  readonly bytes: number
}

/** The header at the start of `bytes`; undefined while it is not all there. @throws PushError PROXY_HEADER_INVALID */
function parseProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  if (startsLike(bytes, VERSION_1) && bytes.length > 0) {
    if (bytes.length < VERSION_1.length) return undefined
    throw new PushError(
      'PROXY_HEADER_INVALID',
      'version 1, and only version 2 is taken: tell the balancer to send that',
    )
  }
  if (!startsLike(bytes, SIGNATURE)) throw new PushError('PROXY_HEADER_INVALID', 'no PROXY protocol header')
  if (bytes.length < FIXED_BYTES) return undefined
  const command = bytes.readUInt8(12)
  if (command !== LOCAL && command !== PROXY)
    throw new PushError('PROXY_HEADER_INVALID', `version and command 0x${command.toString(16)}`)
  const length = FIXED_BYTES + bytes.readUInt16BE(14)
  if (length > MAXIMUM_BYTES) throw new PushError('PROXY_HEADER_INVALID', `more than ${MAXIMUM_BYTES} bytes`)
  if (bytes.length < length) return undefined
  return { address: command === LOCAL ? undefined : addressIn(bytes, length), bytes: length }
}

function startsLike(bytes: Buffer, pattern: Buffer): boolean {
  const length = Math.min(bytes.length, pattern.length)
  return bytes.subarray(0, length).equals(pattern.subarray(0, length))
}

/** Families other than IP are to be taken, and their addresses passed over. */
function addressIn(bytes: Buffer, end: number): string | undefined {
  const family = bytes.readUInt8(13) >> 4
  if (family === INET) return withRoom(end, 12) && [...bytes.subarray(16, 20)].join('.')
  if (family === INET6) return withRoom(end, 36) && ipv6(bytes.subarray(16, 32))
  return undefined
}

function withRoom(end: number, bytes: number): true {
  if (end < FIXED_BYTES + bytes) throw new PushError('PROXY_HEADER_INVALID', 'its addresses are cut')
  return true
}

function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(group * 2).toString(16))
  // The one spelling of an address is what limits count by.
  return plainAddress(new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1))
}

/**
 * Takes the header off the socket, in however many chunks it comes, and leaves what follows it unread. Rejects with
 * what is wrong with it, or with CONNECT_TIMEOUT; never settles when the socket closes before.
 */
export async function takeProxyHeader(socket: Socket, timeoutMs: number): Promise<ProxyHeader> {
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
        const header = parseProxyHeader(held)
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
