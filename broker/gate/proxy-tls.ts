/** Details of the TLS connection between client and balancer: PROXY protocol, section 2.2.6. */
import { PushError } from '../../errors.ts'

export interface ProxyTls {
  readonly version: string | undefined
  readonly cipher: string | undefined
  /** Common name of the client's certificate. */
  readonly commonName: string | undefined
  /** The client has shown a certificate, and the balancer has verified it. */
  readonly isVerified: boolean
}

const SSL = 0x20
const SSL_VERSION = 0x21
const SSL_CN = 0x22
const SSL_CIPHER = 0x23
const CLIENT_SSL = 0x01
const CLIENT_CERT_SESS = 0x04
const SSL_FIXED_BYTES = 5
const HEAD_BYTES = 3

interface TypeLengthValue {
  readonly type: number
  readonly value: Buffer
}

/** Undefined: it tells nothing of TLS. @throws PushError PROXY_HEADER_INVALID where lengths do not fit */
export function tlsIn(bytes: Buffer): ProxyTls | undefined {
  const ssl = valuesIn(bytes).find(({ type }) => type === SSL)?.value
  if (ssl === undefined) return undefined
  if (ssl.length < SSL_FIXED_BYTES) throw cut()
  const client = ssl.readUInt8(0)
  if ((client & CLIENT_SSL) === 0) return undefined
  const parts = valuesIn(ssl.subarray(SSL_FIXED_BYTES))
  const textOf = (wanted: number) => parts.find(({ type }) => type === wanted)?.value.toString('utf8')
  return {
    version: textOf(SSL_VERSION),
    cipher: textOf(SSL_CIPHER),
    commonName: textOf(SSL_CN),
    isVerified: (client & CLIENT_CERT_SESS) !== 0 && ssl.readUInt32BE(1) === 0,
  }
}

function valuesIn(bytes: Buffer): TypeLengthValue[] {
  const values: TypeLengthValue[] = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < HEAD_BYTES) throw cut()
    const end = at + HEAD_BYTES + bytes.readUInt16BE(at + 1)
    if (end > bytes.length) throw cut()
    values.push({ type: bytes.readUInt8(at), value: bytes.subarray(at + HEAD_BYTES, end) })
    at = end
  }
  return values
}

function cut(): PushError {
  return new PushError('PROXY_HEADER_INVALID', 'a value in it is cut')
}
