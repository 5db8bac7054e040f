/**
 * Certificate revocation lists (RFC 5280 section 5). OpenSSL, if Node passes them on, requires a list from every issuer
 * up to the root; here, as in Mosquitto, a list from the issuer of the client's own certificate is enough.
 */
import type { X509Certificate } from 'node:crypto'

const SEQUENCE = 0x30
const INTEGER = 0x02
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const EXPLICIT_0 = 0xa0

interface List {
  readonly nextUpdate: number
  /** Serial numbers, in hexadecimal. */
  readonly serials: ReadonlySet<string>
}

export class RevocationLists {
  /** By the issuer's name, in hexadecimal. */
  readonly #lists: ReadonlyMap<string, List>

  private constructor(lists: ReadonlyMap<string, List>) {
    this.#lists = lists
  }

  /** @throws Error if there is none, or one cannot be read */
  static parse(pem: Buffer): RevocationLists {
    const lists = new Map<string, List>()
    for (const [, body = ''] of pem
      .toString('latin1')
      .matchAll(/-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/g)) {
      const { issuer, ...list } = readList(Buffer.from(body, 'base64'))
      lists.set(issuer, list)
    }
    if (lists.size === 0) throw new Error('no X509 CRL in it')
    return new RevocationLists(lists)
  }

  /** Undefined: nothing speaks against it. */
  problemOf(certificate: X509Certificate, now = Date.now()): string | undefined {
    const list = this.#lists.get(issuerOf(certificate.raw))
    if (list === undefined) return 'no list says which certificates of its issuer were revoked'
    if (list.nextUpdate < now) return 'the list of revoked certificates is out of date'
    return list.serials.has(plainSerial(certificate.serialNumber)) ? 'it was revoked' : undefined
  }
}

interface Element {
  readonly type: number
  readonly content: Buffer
  /** With its type and length. */
  readonly whole: Buffer
}

function readList(der: Buffer): List & { readonly issuer: string } {
  const fields = elementsOf(only(elementsOf(only([readElement(der)]).content)).content)
  // Its version is left out where it is 1.
  const [, issuer, thisUpdate, ...rest] = fields[0]?.type === INTEGER ? fields.slice(1) : fields
  if (issuer === undefined || thisUpdate === undefined) throw new Error('it is cut')
  const [first] = rest
  const hasNext = first?.type === UTC_TIME || first?.type === GENERALIZED_TIME
  const revoked = (hasNext ? rest[1] : first) ?? undefined
  const entries = revoked?.type === SEQUENCE ? elementsOf(revoked.content) : []
  return {
    issuer: issuer.whole.toString('hex'),
    nextUpdate: hasNext && first !== undefined ? timeOf(first) : Number.POSITIVE_INFINITY,
    serials: new Set(entries.map(({ content }) => plainSerial(only(elementsOf(content)).content.toString('hex')))),
  }
}

/** Of a certificate: what stands behind its version, serial number and algorithm. */
function issuerOf(der: Buffer): string {
  const fields = elementsOf(only(elementsOf(only([readElement(der)]).content)).content)
  const [, , issuer] = fields[0]?.type === EXPLICIT_0 ? fields.slice(1) : fields
  return issuer?.whole.toString('hex') ?? ''
}

function plainSerial(hexadecimal: string): string {
  return hexadecimal.toLowerCase().replace(/^0+(?=.)/, '')
}

function only(elements: readonly Element[]): Element {
  const [first] = elements
  if (first === undefined) throw new Error('it is cut')
  return first
}

function elementsOf(content: Buffer): Element[] {
  const elements: Element[] = []
  for (let rest = content; rest.length > 0; ) {
    const element = readElement(rest)
    elements.push(element)
    rest = rest.subarray(element.whole.length)
  }
  return elements
}

/** X.690: a type, a length, and so many bytes. */
function readElement(bytes: Buffer): Element {
  if (bytes.length < 2) throw new Error('it is cut')
  const [type, first] = [bytes.readUInt8(0), bytes.readUInt8(1)]
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  if (lengthBytes > 4 || bytes.length < 2 + lengthBytes) throw new Error('it is cut')
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes)
  const start = 2 + lengthBytes
  if (first === 0x80 || bytes.length < start + length) throw new Error('it is cut')
  return { type, content: bytes.subarray(start, start + length), whole: bytes.subarray(0, start + length) }
}

/** RFC 5280 section 5.1.2.4: in Greenwich time, with seconds. */
function timeOf({ type, content }: Element): number {
  const text = content.toString('latin1')
  const digits = type === UTC_TIME ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits)?.map(Number) ?? []
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
}
