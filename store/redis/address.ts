/**
 * Where Redis is, by one URL:
 * - `redis://[user:password@]host:port[/database]`, `rediss://` for TLS: one server.
 * - several of them, separated by commas: a Cluster. `redis+cluster://host:port` is a Cluster known by one node.
 * - `redis+sentinel://[user:password@]host:port,host:port/master-name[/database]`: the master that Sentinels name.
 *   `?sentinelUsername=` and `?sentinelPassword=` are for the Sentinels themselves; `rediss+sentinel://` uses TLS
 *   to the servers and the Sentinels.
 * TLS trusts what Node trusts (`NODE_EXTRA_CA_CERTS`), or what the `tls` option of the store says.
 */
export interface Host {
  readonly host: string
  readonly port: number
}

export interface Address {
  readonly kind: 'server' | 'cluster' | 'sentinel'
  readonly hosts: readonly Host[]
  readonly tls: boolean
  readonly username?: string
  readonly password?: string
  readonly database: number
  /** Sentinel: the name of the master. */
  readonly master?: string
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
}

const SCHEME = /^(rediss?)(\+cluster|\+sentinel)?:\/\//
const DEFAULT_PORT = { redis: 6379, sentinel: 26379 }

/** Whether `parseAddress` takes it. */
export function isRedisUrl(url: string): boolean {
  try {
    parseAddress(url)
    return true
  } catch {
    return false
  }
}

/** @throws TypeError that never quotes the URL, which may hold a password. */
export function parseAddress(url: string): Address {
  const scheme = SCHEME.exec(url)
  if (scheme === null)
    throw new TypeError('the URL of Redis begins with redis://, rediss://, redis+cluster:// or redis+sentinel://')
  const tls = scheme[1] === 'rediss'
  if (scheme[2] === '+sentinel') return parseSentinel(url.slice(scheme[0].length), tls)

  const parts = url.split(',').map((part) => parsePart(part.trim(), scheme[0]))
  const [first] = parts
  if (first === undefined) throw new TypeError('the URL of Redis names no server')
  const cluster = parts.length > 1 || scheme[2] === '+cluster'
  const database = Number(first.path || 0)
  if (!Number.isSafeInteger(database) || database < 0) throw new TypeError('the database of the Redis URL is no number')
  if (cluster && database !== 0) throw new TypeError('a Redis Cluster has no databases but 0')
  const hosts = parts.map(({ host, port = DEFAULT_PORT.redis }) => ({ host, port }))
  return { kind: cluster ? 'cluster' : 'server', hosts, tls, database, ...credentials(first.login) }
}

function parsePart(text: string, scheme: string): Part {
  const other = SCHEME.exec(text)?.[0]
  const part = other !== undefined && other !== scheme ? undefined : parseHost(text.replace(SCHEME, ''))
  if (part === undefined)
    throw new TypeError('a part of the Redis URL is not scheme://host:port, or has another scheme')
  return part
}

function parseSentinel(rest: string, tls: boolean): Address {
  const parts = /^(.*@)?([^/@?]+)\/([^/?@]+)(?:\/(\d+))?(\?.*)?$/.exec(rest)
  if (parts === null) throw new TypeError('a Sentinel URL is redis+sentinel://host:port,host:port/master-name')
  const [, user = '', hostList = '', master = '', database = '0', query = ''] = parts
  const hosts = hostList.split(',').map((text) => {
    const part = parseHost(text.trim())
    if (part === undefined) throw new TypeError('a host of the Sentinel URL is not host:port')
    return { host: part.host, port: part.port ?? DEFAULT_PORT.sentinel }
  })
  const search = new URLSearchParams(query)
  const sentinelUsername = search.get('sentinelUsername')
  const sentinelPassword = search.get('sentinelPassword')
  return {
    kind: 'sentinel',
    hosts,
    tls,
    master: decoded(master),
    database: Number(database),
    ...credentials(user.slice(0, -1)),
    ...(sentinelUsername === null ? {} : { sentinelUsername }),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
  }
}

interface Part {
  /** The part before the last @. */
  readonly login: string
  readonly host: string
  readonly port: number | undefined
  /** Without the slash before it. */
  readonly path: string
}

/** A password that is not percent-encoded may hold all but a comma: what follows its last @ is the host. */
function parseHost(text: string): Part | undefined {
  const at = text.lastIndexOf('@')
  const place = `redis://${text.slice(at + 1)}`
  if (place === 'redis://' || !URL.canParse(place)) return undefined
  const { hostname, port, pathname, search, hash } = new URL(place)
  if (hostname === '' || search !== '' || hash !== '') return undefined
  return {
    login: text.slice(0, Math.max(at, 0)),
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? undefined : Number(port),
    path: pathname.slice(1),
  }
}

function credentials(login: string): { username?: string; password?: string } {
  const colon = login.indexOf(':')
  const username = decoded(colon === -1 ? login : login.slice(0, colon))
  const password = colon === -1 ? '' : decoded(login.slice(colon + 1))
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) }
}

/** What is not percent-encoded, as a password with a % of its own, is meant as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
