/**
 * Checks the host name of a request, and the origin of its page. A browser lets any web page talk to a server on its
 * own machine: under the page's own name, if that is made to resolve there (DNS rebinding), and over WebSocket in any
 * case.
 */
import type { IncomingMessage } from 'node:http'
import { isIP, isIPv4, type Server } from 'node:net'
import { PushError } from '../errors.ts'
import type { OriginAllowed } from './cors.ts'

/**
 * @param bound address of the listener; undefined if it is not known
 * @throws HOST_FORBIDDEN, ORIGIN_FORBIDDEN, which repeat nothing of the request: a header cut in two may hold a secret
 */
type HostCheck = (request: Pick<IncomingMessage, 'headers' | 'method' | 'url'>, bound?: string) => void

/**
 * @param allowed names besides those of the machine itself; `*` is all. Undefined: a listener on a loopback address takes
 * only the machine's own names, any other listener all.
 * @param originAllowed whether a page may make this request, whatever the name of its host
 * @param publicUrl whose name is the server's own as well
 */
export function createHostCheck(
  allowed: readonly string[] | undefined,
  originAllowed: OriginAllowed = () => false,
  publicUrl?: string,
): HostCheck {
  const names = new Set(allowed)
  if (publicUrl !== undefined) names.add(new URL(publicUrl).hostname)
  const isOwn = (name: string) => isLoopback(name) || names.has(name)

  // Clients send the same name with each request.
  let last: string | undefined

  return (request, bound) => {
    if (names.has('*') || (allowed === undefined && !isLoopback(bound ?? ''))) return
    const { host, origin } = request.headers
    if (origin === undefined && host !== undefined && host === last) return
    const name = nameIn(host ?? '')
    // No name leads from an address to another machine: only names can be made to lead here.
    if (host !== undefined && !isOwn(name) && isIP(name) === 0) throw new PushError('HOST_FORBIDDEN')
    last = host
    if (origin === undefined || originAllowed(request)) return
    const page = nameIn(/^[a-z][\w+.-]*:\/\/([^/?#@]+)$/i.exec(origin)?.[1] ?? '')
    if (page === '' || (!isOwn(page) && page !== name)) throw new PushError('ORIGIN_FORBIDDEN')
  }
}

/** The address that a server listens on; undefined while it does not. */
export function boundTo(server: Server): string | undefined {
  const address = server.address()
  return typeof address === 'object' ? address?.address : undefined
}

/** RFC 9112 section 3.2: exactly one, of a request of HTTP/1.1. @throws REQUEST_INVALID */
export function checkOneHost({ headers, rawHeaders, httpVersion }: IncomingMessage): void {
  if (headers.host === undefined) {
    if (httpVersion === '1.0') return
    throw new PushError('REQUEST_INVALID', 'there is no Host header')
  }
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  if (hosts > 1) throw new PushError('REQUEST_INVALID', 'there is more than one Host header')
}

/** The name or address of `name:port`, in lower case; empty when it is neither. */
export function nameIn(authority: string): string {
  const [, address, name = ''] = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::\d*)?$/i.exec(authority) ?? []
  return (address ?? name.replace(/\.$/, '')).toLowerCase()
}

/** An address of this machine itself, or a name that always is one (RFC 6761 section 6.3). */
export function isLoopback(name: string): boolean {
  if (isIPv4(name)) return name.startsWith('127.')
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost')
}
