/** The certificate of the TLS listeners: read and checked as a whole, watched, and changed without a restart. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createSecureContext, type SecureContextOptions, type Server } from 'node:tls'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { Metrics } from '../../common/metrics.ts'
import { certificatesIn, TlsFileError, type Certificate } from './pem.ts'

export { TlsFileError } from './pem.ts'

type ClientAuth = 'none' | 'optional' | 'required'

export interface TlsSettings {
  /** PEM file with the certificate and those between it and the root. */
  readonly certificate: string
  /** PEM file with its private key. */
  readonly key: string
  /** PEM file with the certificates that vouch for those of clients. */
  readonly ca?: string | undefined
  readonly minimumVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly clientAuth: ClientAuth
}

interface Loaded {
  readonly context: SecureContextOptions
  readonly validUntil: number
  /** All of the files: that of the server, those between it and the root, and those that vouch for clients. */
  readonly certificates: readonly Certificate[]
}

/** Looking beats being told: files that are replaced by a rename, a link or over a network are all found, ms. */
const LOOK_MS = 1000
/** A certificate and its key are replaced one after the other: wait for both, ms. */
const SETTLE_MS = 500
const DAY_MS = 24 * 60 * 60 * 1000
/** Before the end of a certificate, or a third of its time where that is less, ms. */
const SOON_MS = 14 * DAY_MS

export class Certificates {
  readonly settings: TlsSettings
  readonly #metrics: Metrics
  readonly #logger: Logger
  readonly #now: () => number
  readonly #servers = new Set<Server>()
  #loaded: Loaded
  #settling: NodeJS.Timeout | undefined
  #daily: NodeJS.Timeout | undefined

  /** @throws TlsFileError */
  constructor(settings: TlsSettings, metrics: Metrics, logger: Logger, now = Date.now) {
    this.settings = settings
    this.#metrics = metrics
    this.#logger = logger
    this.#now = now
    this.#loaded = loadTlsFiles(settings)
    this.#metrics.certificateEnd.set(this.#loaded.validUntil / 1000)
  }

  get context(): SecureContextOptions {
    return this.#loaded.context
  }

  /** Keeps the certificate of this server up to date. */
  serve(server: Server): void {
    this.#servers.add(server)
  }

  /** Takes the files as they are now, for new connections; when they cannot be used, the old ones stay in service. */
  reload(): void {
    clearTimeout(this.#settling)
    try {
      const loaded = loadTlsFiles(this.settings)
      const now = this.#now()
      if (loaded.validUntil <= now && this.#loaded.validUntil > now)
        throw new TlsFileError('PUSH_TLS_CERT', this.settings.certificate, 'has expired, and the previous one has not')
      this.#loaded = loaded
      for (const server of this.#servers) server.setSecureContext(this.#loaded.context)
      this.#metrics.certificateEnd.set(this.#loaded.validUntil / 1000)
      this.#metrics.certificateReloads.inc({ outcome: 'taken' })
      this.#logger.info({ validUntil: new Date(this.#loaded.validUntil).toISOString() }, 'TLS certificate loaded')
      this.#sayEnds()
    } catch (error) {
      this.#metrics.certificateReloads.inc({ outcome: 'refused' })
      const { code } = new PushError('TLS_FILES_INVALID')
      const detail = error instanceof Error ? error.message : String(error)
      this.#logger.error({ code, detail }, 'cannot use the TLS files; the previous ones stay in use')
    }
  }

  /** Takes the files whenever one of them changes, and says each day what is about to end. */
  watch(): void {
    this.#sayEnds()
    this.#daily = setInterval(() => this.#sayEnds(), DAY_MS).unref()
    for (const path of this.#paths()) {
      watchFile(path, { interval: LOOK_MS, persistent: false }, () => {
        clearTimeout(this.#settling)
        this.#settling = setTimeout(() => this.reload(), SETTLE_MS).unref()
      })
    }
  }

  close(): void {
    clearInterval(this.#daily)
    clearTimeout(this.#settling)
    for (const path of this.#paths()) unwatchFile(path)
  }

  #sayEnds(): void {
    const now = this.#now()
    for (const { setting, path, number, subject, from, until } of this.#loaded.certificates) {
      const line = { setting, path, number, subject, from: new Date(from), until: new Date(until) }
      if (until <= now) this.#logger.error(line, 'a TLS certificate has expired')
      else if (from > now) this.#logger.error(line, 'a TLS certificate is not valid yet')
      else if (until - now < Math.min(SOON_MS, (until - from) / 3))
        this.#logger.warn(line, 'a TLS certificate ends soon')
    }
  }

  #paths(): string[] {
    const { certificate, key, ca } = this.settings
    return ca === undefined ? [certificate, key] : [certificate, key, ca]
  }
}

/** Reads and checks all of them. @throws TlsFileError */
export function loadTlsFiles(settings: TlsSettings): Loaded {
  const cert = read('PUSH_TLS_CERT', settings.certificate)
  const key = read('PUSH_TLS_KEY', settings.key)
  const chain = certificatesIn('PUSH_TLS_CERT', settings.certificate, cert)
  const [{ certificate }] = chain
  const privateKey = check('PUSH_TLS_KEY', settings.key, 'is not a PEM private key without a passphrase', () =>
    createPrivateKey(key),
  )
  if (!certificate.checkPrivateKey(privateKey))
    throw new TlsFileError('PUSH_TLS_KEY', settings.key, 'is not the key of the certificate in PUSH_TLS_CERT')
  const ca = settings.ca === undefined ? undefined : read('PUSH_TLS_CA', settings.ca)
  const authorities = ca === undefined ? [] : certificatesIn('PUSH_TLS_CA', settings.ca ?? '', ca)
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: settings.minimumVersion,
    ...(ca === undefined ? {} : { ca }),
  }
  check('PUSH_TLS_CERT', settings.certificate, 'cannot be used for TLS', () => createSecureContext(context))
  const certificates = [...chain, ...authorities]
  return { context, validUntil: Date.parse(certificate.validTo), certificates }
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
