/** Connects to a receiver, at an address that was checked in the same DNS lookup. */
import { lookup, Resolver } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { mayCall } from './addresses.ts'
import { isNamed, type TargetRules } from './target.ts'

export interface Found {
  readonly address: string
  readonly family: 4 | 6
}

/** All addresses of a name. */
export type Lookup = (hostname: string) => Promise<readonly Found[]>

/** Nothing that this host stands for may be called. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
  readonly code = 'ADDRESS_REFUSED'
}

/** Of one question, ms, and how often it is asked. */
const DNS_MS = 2_500
const DNS_TRIES = 2

/**
 * Asked of DNS without the threads of `getaddrinfo`, of which there are four: a server of somebody's that answers no question
 * would hold up the disk. So neither the hosts file nor search domains count, except for names of the operator.
 */
export function systemLookup(rules: TargetRules): Lookup {
  return async (hostname) => {
    if (isNamed({ hostname }, rules)) return (await lookup(hostname, { all: true })).map(asFound)
    const resolver = new Resolver({ timeout: DNS_MS, tries: DNS_TRIES })
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const found = [v6, v4].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (found.length === 0 && v4.status === 'rejected') throw v4.reason
    return found.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }))
  }
}

function asFound({ address, family }: { address: string; family: number }): Found {
  return { address, family: family === 6 ? 6 : 4 }
}

/** @param timeoutMs for the whole of it, TLS included */
export function checkedConnector(rules: TargetRules, find: Lookup, timeoutMs: number): buildConnector.connector {
  const connect = buildConnector({
    lookup: checkedLookup(rules, find),
    timeout: timeoutMs,
    allowH2: false,
    // A session would tell one receiver's visits from another's.
    maxCachedSessions: 0,
  })
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '')
    // An address is not looked up.
    if (isIP(host) !== 0 && !mayCall(host, rules.networks)) return callback(new AddressRefused(), null)
    connect(options, (...connected) => {
      const [error, socket] = connected
      if (error !== null) return callback(error, null)
      if (mayCall(socket.remoteAddress ?? '', rules.networks)) return callback(null, socket)
      socket.destroy()
      callback(new AddressRefused(), null)
    })
  }
}

/** The addresses that it gives are the ones that are connected to: what DNS says a moment later does not count. */
function checkedLookup({ networks }: TargetRules, find: Lookup): LookupFunction {
  return (hostname, { all }, callback) => {
    const fail = (error: unknown) => callback(error instanceof Error ? error : new Error('no address'), '')
    find(hostname)
      .then((found) => {
        const allowed = found.filter(({ address }) => mayCall(address, networks))
        const [first] = allowed
        if (first === undefined) fail(new AddressRefused())
        else if (all === true) callback(null, [...allowed])
        else callback(null, first.address, first.family)
      })
      .catch(fail)
  }
}
