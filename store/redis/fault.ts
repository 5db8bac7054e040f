/** Explains to operators why Redis cannot be used, without passwords or commands. */

interface RedisFault {
  readonly text: string
  /** Lasting: waiting does not help, and the setting, or Redis, must be changed. Vague: another error may tell more. */
  readonly kind: 'lasting' | 'passing' | 'vague'
}

const passing = (text: string): RedisFault => ({ text, kind: 'passing' })
const lasting = (text: string): RedisFault => ({ text, kind: 'lasting' })
const vague = (text: string): RedisFault => ({ text, kind: 'vague' })
const certificate = (code: string): RedisFault =>
  passing(`its certificate is not trusted, or not for that name (${code})`)

/** By the code in the error of Redis, Node or OpenSSL. The first match counts. */
const FAULTS: Readonly<Record<string, RedisFault>> = {
  WRONGPASS: lasting('it refuses the user or password (WRONGPASS)'),
  NOAUTH: lasting('it asks for a password, and none is given (NOAUTH)'),
  NOPERM: lasting('the user may not do what a node needs, see docs/redis.md (NOPERM)'),
  'DB index is out of range': lasting('it has no database of that number'),
  'SELECT is not allowed in cluster mode': lasting('it is a node of a Cluster, which has no databases but 0'),
  'cluster support disabled': lasting('it is no node of a Cluster'),
  'another version': lasting('what it holds was written by another version of this program'),
  OOM: passing('it is out of memory (OOM)'),
  READONLY: passing('it is a replica that only reads (READONLY)'),
  NOREPLICAS: passing('it has too few replicas (NOREPLICAS)'),
  MISCONF: passing('it cannot write to its disk (MISCONF)'),
  LOADING: passing('it is loading its data (LOADING)'),
  MASTERDOWN: passing('it has lost its master (MASTERDOWN)'),
  CLUSTERDOWN: passing('the Cluster is down (CLUSTERDOWN)'),
  ENOTFOUND: passing('the name of its host is not known (ENOTFOUND)'),
  EAI_AGAIN: passing('the name of its host cannot be looked up now (EAI_AGAIN)'),
  ECONNREFUSED: passing('nobody listens there (ECONNREFUSED)'),
  EHOSTUNREACH: passing('there is no way to its host (EHOSTUNREACH)'),
  ENETUNREACH: passing('there is no way to its network (ENETUNREACH)'),
  EACCES: passing('this process may not connect there (EACCES)'),
  ETIMEDOUT: passing('it does not answer; with rediss://, it may not speak TLS (ETIMEDOUT)'),
  'wrong version number': passing('it does not speak TLS there, write redis:// (ERR_SSL_WRONG_VERSION_NUMBER)'),
  'packet length too long': passing('it does not speak TLS there, write redis:// (ERR_SSL_PACKET_LENGTH_TOO_LONG)'),
  SELF_SIGNED: certificate('SELF_SIGNED_CERT'),
  UNABLE_TO_VERIFY: certificate('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
  UNABLE_TO_GET_ISSUER: certificate('UNABLE_TO_GET_ISSUER_CERT'),
  CERT_HAS_EXPIRED: certificate('CERT_HAS_EXPIRED'),
  CERT_NOT_YET_VALID: certificate('CERT_NOT_YET_VALID'),
  ALTNAME_INVALID: certificate('ERR_TLS_CERT_ALTNAME_INVALID'),
  'self-signed certificate': certificate('SELF_SIGNED_CERT'),
  'certificate required': lasting('it asks for a client certificate, which a node has not'),
  ECONNRESET: passing('it closes the connection; if it speaks TLS, write rediss:// (ECONNRESET)'),
  EPIPE: passing('it closes the connection; if it speaks TLS, write rediss:// (EPIPE)'),
  'All sentinels are unreachable': vague('no Sentinel answers, or none knows the master'),
  'Connection is closed': vague('it closes the connection; if it speaks TLS, write rediss://'),
}

/** How far to look for the error that one was made of: Cluster and Sentinel wrap those of their servers. */
const DEPTH = 5

/** Undefined for an error that is none of these. */
export function redisFault(error: unknown, depth = DEPTH): RedisFault | undefined {
  if (!(error instanceof Error) || depth === 0) return undefined
  const inner =
    redisFault(error.cause, depth - 1) ??
    ('lastNodeError' in error ? redisFault(error.lastNodeError, depth - 1) : undefined) ??
    (error instanceof AggregateError ? redisFault(error.errors[0], depth - 1) : undefined)
  if (inner !== undefined) return inner
  const said = `${'code' in error ? String(error.code) : ''} ${error.message}`
  const code = Object.keys(FAULTS).find((each) => said.includes(each))
  return code === undefined ? undefined : FAULTS[code]
}
