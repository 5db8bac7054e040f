/**
 * Whose request it is, where a proxy passes it on: by `Forwarded` (RFC 7239) and `X-Forwarded-For`, whose entries each proxy
 * puts behind those that it was sent. So only what a trusted proxy has written counts: from the right, the first address
 * that is none of theirs. What a client writes itself stands to the left of that.
 */
import type { IncomingMessage } from 'node:http'
import { isIP, isIPv4, type BlockList } from 'node:net'
import { isIn, plainAddress } from './networks.ts'

/** Of a chain of proxies; `undefined` for an entry that names no address. */
type Chain = readonly (string | undefined)[]

export class Forwarding {
  readonly #trusted: BlockList | undefined

  /** Undefined: nobody is believed. */
  constructor(trusted: BlockList | undefined) {
    this.#trusted = trusted
  }

  isProxy(address: string): boolean {
    return this.#trusted !== undefined && isIn(this.#trusted, address)
  }

  /** Of the client; that of the peer where nothing else is known for sure. */
  addressOf({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
    const peer = socket.remoteAddress ?? ''
    if (!this.isProxy(peer)) return peer
    const { forwarded, 'x-forwarded-for': each } = headers
    const list = Array.isArray(each) ? each.join(',') : each
    const standard = forwarded === undefined ? undefined : this.#client(parseForwarded(forwarded), peer)
    const usual = list === undefined ? undefined : this.#client(parseList(list), peer)
    // A proxy writes one of them, and may pass on the other one as it came. Where they differ, nobody knows which is which.
    if (standard !== undefined && usual !== undefined && standard !== usual) return peer
    return standard ?? usual ?? peer
  }

  /** An entry that names no address ends what is known: it counts for the proxy that wrote it. */
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

/** RFC 7239 section 4. Undefined: it is none. */
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

/** An address with or without a port, one of IPv6 with or without brackets. The one spelling of it is what is counted by. */
function addressIn(entry: string): string | undefined {
  const [, bracketed] = /^\[([^\]]*)\](?::\w{1,5})?$/.exec(entry) ?? []
  const [, beforePort] = /^([\d.]+):\w{1,5}$/.exec(entry) ?? []
  const address = bracketed ?? beforePort ?? entry
  // One with a zone is of a link, and of no use elsewhere.
  if (isIP(address) === 0 || address.includes('%') || (bracketed !== undefined && isIPv4(address))) return undefined
  return isIPv4(address) ? address : plainAddress(new URL(`http://[${address}]`).hostname.slice(1, -1))
}
