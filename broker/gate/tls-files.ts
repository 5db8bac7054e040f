/** The files of TLS listeners, read and checked as a whole. */
import { createPrivateKey, type X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, DEFAULT_CIPHERS, getCiphers, type SecureContextOptions } from 'node:tls'
import { type Certificate, certificatesIn, TlsFileError } from './pem.ts'
import { RevocationLists } from './revocation-list.ts'

type ClientAuth = 'none' | 'optional' | 'required'

/** What errors and logs call each of them. */
export interface TlsNames {
  readonly certificate: string
  readonly key: string
  readonly ca: string
  readonly caFolder: string
  readonly crl: string
  readonly ciphers: string
  readonly ciphersTls13: string
}

export interface TlsSettings {
  /** PEM file with the certificate and those between it and the root. */
  readonly certificate: string
  /** PEM file with its private key. */
  readonly key: string
  /** PEM file with the certificates that vouch for those of clients. */
  readonly ca?: string | undefined
  /** Folder of such files: those named `*.crt`, `*.pem`, or by a hash as `openssl rehash` does. */
  readonly caFolder?: string | undefined
  /** PEM file of the certificates of clients that were revoked. */
  readonly crl?: string | undefined
  readonly minimumVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly clientAuth: ClientAuth
  /** False: those of clients are good before and after their time. */
  readonly checkClientDates?: boolean
  /** For TLS 1.2, as OpenSSL has it. */
  readonly ciphers?: string | undefined
  /** For TLS 1.3: names with `:`. */
  readonly ciphersTls13?: string | undefined
  /** Default: the settings of the server. */
  readonly names?: TlsNames
}

export interface Loaded {
  readonly context: SecureContextOptions
  readonly validUntil: number
  /** All of the files: that of the server, those between it and the root, and those that vouch for clients. */
  readonly certificates: readonly Certificate[]
  /** Those that vouch for clients. */
  readonly authorities: readonly X509Certificate[]
  readonly revoked: RevocationLists | undefined
}

const SETTINGS: TlsNames = {
  certificate: 'PUSH_TLS_CERT',
  key: 'PUSH_TLS_KEY',
  ca: 'PUSH_TLS_CA',
  caFolder: 'caFolder',
  crl: 'crl',
  ciphers: 'ciphers',
  ciphersTls13: 'ciphersTls13',
}

export function namesOf({ names = SETTINGS }: TlsSettings): TlsNames {
  return names
}

/** Reads and checks all of them. @throws TlsFileError */
export function loadTlsFiles(settings: TlsSettings): Loaded {
  const names = namesOf(settings)
  const cert = read(names.certificate, settings.certificate)
  const key = read(names.key, settings.key)
  const chain = certificatesIn(names.certificate, settings.certificate, cert)
  const [{ certificate }] = chain
  const privateKey = check(names.key, settings.key, 'is not a PEM private key without a passphrase', () =>
    createPrivateKey(key),
  )
  if (!certificate.checkPrivateKey(privateKey))
    throw new TlsFileError(names.key, settings.key, `is not the key of the certificate in ${names.certificate}`)
  const vouching = [
    ...(settings.ca === undefined ? [] : [fileOf(names.ca, settings.ca)]),
    ...(settings.caFolder === undefined ? [] : filesIn(names.caFolder, settings.caFolder)),
  ]
  const authorities = vouching.flatMap(({ name, path, content }) => certificatesIn(name, path, content))
  const ciphers = ciphersOf(settings, names)
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: settings.minimumVersion,
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(vouching.length === 0 ? {} : { ca: vouching.map(({ content }) => content) }),
  }
  check(names.certificate, settings.certificate, 'cannot be used for TLS', () => createSecureContext(context))
  return {
    context,
    validUntil: Date.parse(certificate.validTo),
    certificates: [...chain, ...authorities],
    authorities: authorities.map((each) => each.certificate),
    revoked: settings.crl === undefined ? undefined : revokedIn(names.crl, settings.crl),
  }
}

interface File {
  readonly name: string
  readonly path: string
  readonly content: Buffer
}

function fileOf(name: string, path: string): File {
  return { name, path, content: read(name, path) }
}

function filesIn(name: string, folder: string): File[] {
  const entries = check(name, folder, 'cannot be read', () => readdirSync(folder))
  return entries
    .filter((entry) => /\.(crt|pem)$|^[0-9a-f]{8}\.\d+$/.test(entry))
    .map((entry) => fileOf(name, join(folder, entry)))
}

function revokedIn(name: string, path: string): RevocationLists {
  const content = read(name, path)
  return check(name, path, 'is no PEM file of a certificate revocation list', () => RevocationLists.parse(content))
}

/** Node takes one list for all versions, where OpenSSL passes over names that it does not know. @throws TlsFileError */
function ciphersOf({ ciphers, ciphersTls13 }: TlsSettings, names: TlsNames): string | undefined {
  if (ciphers === undefined && ciphersTls13 === undefined) return undefined
  const defaults = DEFAULT_CIPHERS.split(':')
  const known = new Set(getCiphers())
  const suites = ciphersTls13?.split(':')
  const unknown = suites?.find((suite) => !suite.startsWith('TLS_') || !known.has(suite.toLowerCase()))
  if (unknown !== undefined) throw new TlsFileError(names.ciphersTls13, unknown, 'is not a cipher of TLS 1.3')
  if (ciphers !== undefined)
    check(names.ciphers, ciphers, 'names no cipher of TLS 1.2', () =>
      createSecureContext({ ciphers, maxVersion: 'TLSv1.2' }),
    )
  return [
    ...(suites ?? defaults.filter((each) => each.startsWith('TLS_'))),
    ...(ciphers === undefined ? defaults.filter((each) => !each.startsWith('TLS_')) : [ciphers]),
  ].join(':')
}

function read(setting: string, path: string): Buffer {
  return check(setting, path, 'cannot be read', () => readFileSync(path))
}

function check<T>(setting: string, path: string, problem: string, attempt: () => T): T {
  try {
    return attempt()
  } catch (error) {
    throw new TlsFileError(setting, path, problem, { cause: error })
  }
}
