/** Reads all certificates in a PEM file, because TLS silently ignores all but the first. */
import { X509Certificate } from 'node:crypto'

/** A file that cannot be used; it names the setting and the file, and quotes nothing of it. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError'
  readonly setting: string

  constructor(setting: string, path: string, problem: string, options?: ErrorOptions) {
    super(`${setting}: ${JSON.stringify(path)} ${problem}`, options)
    this.setting = setting
  }
}

export interface Certificate {
  readonly setting: string
  readonly path: string
  /** Its place in the file, from 1. */
  readonly number: number
  readonly subject: string
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly until: number
  readonly certificate: X509Certificate
}

const LABELS = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']
const BEGIN = /-----BEGIN ([A-Z0-9 ]+)-----/g

/** @throws TlsFileError if there is none, or one is truncated or damaged */
export function certificatesIn(setting: string, path: string, file: Buffer): [Certificate, ...Certificate[]] {
  const text = file.toString('latin1')
  const certificates: Certificate[] = []
  for (const { 0: begin, 1: label = '', index } of text.matchAll(BEGIN)) {
    if (!LABELS.includes(label)) continue
    const number = certificates.length + 1
    const ending = `-----END ${label}-----`
    const end = text.indexOf(ending, index)
    const next = text.indexOf('-----BEGIN ', index + begin.length)
    if (end === -1 || (next !== -1 && next < end))
      throw new TlsFileError(setting, path, `is cut short in certificate ${number}`)
    certificates.push(certificateOf(setting, path, number, text.slice(index, end + ending.length)))
  }
  const [first, ...others] = certificates
  if (first === undefined) throw new TlsFileError(setting, path, 'holds no PEM certificate')
  return [first, ...others]
}

function certificateOf(setting: string, path: string, number: number, pem: string): Certificate {
  try {
    const certificate = new X509Certificate(pem)
    const { subject, validFrom, validTo } = certificate
    const [from, until] = [Date.parse(validFrom), Date.parse(validTo)]
    return { setting, path, number, subject: subject.replaceAll('\n', ', '), from, until, certificate }
  } catch (error) {
    throw new TlsFileError(setting, path, `holds no certificate that can be read as number ${number}`, { cause: error })
  }
}
