/** Checks the URL of a webhook. Its address is checked when it is connected to. */
import { type BlockList, isIP } from 'node:net'
import { PushError } from '../../errors.ts'
import { mayCall } from './addresses.ts'

/** What the operator allows beyond HTTPS to public addresses. */
export interface TargetRules {
  /** Private networks that may be connected to. */
  readonly networks?: BlockList | undefined
  /** Host names in lower case, without port, that may be called without TLS. */
  readonly httpHosts?: readonly string[] | undefined
}

export const LONGEST_URL = 2_048
const HTTPS_PORT = 443
const HTTP_PORT = 80
/** Below it are services that are older than HTTP, and read it as something else. */
const FIRST_FREE_PORT = 1_024

/** A name or an address that can be allowed, as a URL has it: in lower case, an IPv6 address in brackets; not all of them. */
export function isTargetHost(value: unknown): value is string {
  return typeof value === 'string' && /^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9_.-]*[a-z0-9])?)$/.test(value)
}

/** @throws WEBHOOK_URL_INVALID, which does not hold the URL: a part of it may be a secret */
export function checkTarget(text: string, rules: TargetRules): URL {
  const url = parse(text)
  // Credentials in a URL end in logs; a fragment is not sent.
  if (url.username !== '' || url.password !== '') throw invalid('leave out the user and the password')
  if (url.hash !== '') throw invalid('leave out what is behind `#`')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isNamed(url, rules)))
    throw invalid('begin with `https://`; `http://` is for the hosts in `PUSH_WEBHOOK_HTTP_HOSTS`')
  const port = portOf(url)
  if (port < FIRST_FREE_PORT && port !== HTTPS_PORT && !(port === HTTP_PORT && url.protocol === 'http:'))
    throw invalid('use port 443, or one from 1024 on')
  const address = addressOf(url)
  if (address !== undefined && !mayCall(address, rules.networks))
    throw invalid('this address is not public; private ones are for the networks in `PUSH_WEBHOOK_NETWORKS`')
  return url
}

/** As the URL parser reads it: other spellings of an address are that address. */
function parse(text: string): URL {
  // The parser passes over white space and line ends.
  if (text.length > LONGEST_URL || !/^[\x21-\x7e]+$/.test(text))
    throw invalid(`send 1 to ${LONGEST_URL} ASCII characters without spaces`)
  try {
    return new URL(text)
  } catch {
    throw invalid('it cannot be read as one')
  }
}

function invalid(detail: string): PushError {
  return new PushError('WEBHOOK_URL_INVALID', detail)
}

/** The host is an address: nothing is looked up. */
export function addressOf({ hostname }: URL): string | undefined {
  const address = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(address) === 0 ? undefined : address
}

/** The operator has named this host. */
export function isNamed({ hostname }: Pick<URL, 'hostname'>, { httpHosts = [] }: TargetRules): boolean {
  return httpHosts.includes(hostname)
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? HTTPS_PORT : HTTP_PORT
}
