/**
 * The client of a proxied request, from `Forwarded` (RFC 7239) or `X-Forwarded-For`. Each proxy appends to the entries
 * it received, so only entries written by trusted proxies count: the client is the first address from the right that is
 * not one of them. Whatever a client sends itself is further left.
 */
import type { IncomingMessage } from 'node:http'
import { isIP, isIPv4, type BlockList } from 'node:net'
import { isIn, plainAddress } from './networks.ts'

/** The addresses of a chain of proxies; `undefined` for an entry without an address. */
type Chain = readonly (string | undefined)[]

export class Forwarding {
  readonly #trusted: BlockList | undefined

  /** Undefined: no proxy is trusted. */
  constructor(trusted: BlockList | undefined) {
    this.#trusted = trusted
  }

  isProxy(address: string): boolean {
    return this.#trusted !== undefined && isIn(this.#trusted, address)
  }

  /** The address of the client; that of the peer if nothing else is certain. */
  addressOf({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
    const peer = socket.remoteAddress ?? ''
    if (!this.isProxy(peer)) return peer
    const { forwarded, 'x-forwarded-for': each } = headers
    const list = Array.isArray(each) ? each.join(',') : each
    const standard = forwarded === undefined ? undefined : this.#client(parseForwarded(forwarded), peer)
    const usual = list === undefined ? undefined : this.#client(parseList(list), peer)
    // A proxy writes one header and may pass the other one on unchanged. If they differ, neither can be trusted.
    if (standard !== undefined && usual !== undefined && standard !== usual) return peer
    return standard ?? usual ?? peer
  }

  /** An entry without an address ends the chain: the request counts for the proxy that wrote it. */
  #client(chain: Chain | undefined, peer: string): string {
    let known = peer
    for (const address of (chain ?? []).toReversed()) {
      if (address === undefined) return known
      known = address
      if (!this.isProxy(address)) return known
    }
    return known
  }
}

function parseList(text: string): Chain {
  return text.split(',').map((entry) => addressIn(entry.trim()))
}

/** RFC 7230 section 3.2.6; a value may be a token as well, which some proxies write with colons. */
const PAIR = /^[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))[ \t]*/

/** RFC 7239 section 4. Undefined if malformed. */
function parseForwarded(text: string): Chain | undefined {
  const chain: (string | undefined)[] = []
  let found: string | undefined
  for (let rest = text; ; ) {
    const [whole, name, quoted, token] = PAIR.exec(rest) ?? []
    if (whole === undefined || name === undefined) return undefined
    if (name.toLowerCase() === 'for') {
      if (found !== undefined) return undefined
      found = quoted?.replace(/\\(.)/g, '$1') ?? token ?? ''
    }
    rest = rest.slice(whole.length)
    if (rest.startsWith(';')) {
      rest = rest.slice(1)
      continue
    }
    chain.push(found === undefined ? undefined : addressIn(found))
    found = undefined
    if (rest === '') return chain
    if (!rest.startsWith(',')) return undefined
    rest = rest.slice(1)
  }
}

/**
 * An address with or without a port, IPv6 with or without brackets, in its canonical spelling, so that it counts as
 * one.
 */
function addressIn(entry: string): string | undefined {
  const [, bracketed] = /^\[([^\]]*)\](?::\w{1,5})?$/.exec(entry) ?? []
  const [, beforePort] = /^([\d.]+):\w{1,5}$/.exec(entry) ?? []
  const address = bracketed ?? beforePort ?? entry
  // An address with a zone is only valid on its link.
  if (isIP(address) === 0 || address.includes('%') || (bracketed !== undefined && isIPv4(address))) return undefined
  return isIPv4(address) ? address : plainAddress(new URL(`http://[${address}]`).hostname.slice(1, -1))
}
