/** The certificate of the TLS listeners: read and checked as a whole, watched, and changed without a restart. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createSecureContext, type SecureContextOptions, type Server } from 'node:tls'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { Metrics } from '../../metrics.ts'

export type ClientAuth = 'none' | 'optional' | 'required'

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

/** A file that cannot be used; it names the setting and the file, and quotes nothing of it. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError'
  readonly setting: string

  constructor(setting: string, path: string, problem: string, options?: ErrorOptions) {
    super(`${setting}: ${JSON.stringify(path)} ${problem}`, options)
    this.setting = setting
  }
}

interface Loaded {
  readonly context: SecureContextOptions
  readonly validUntil: number
}

/** Looking beats being told: files that are replaced by a rename, a link or over a network are all found, ms. */
const LOOK_MS = 1000
/** A certificate and its key are replaced one after the other: wait for both, ms. */
const SETTLE_MS = 500

export class Certificates {
  readonly settings: TlsSettings
  readonly #metrics: Metrics
  readonly #logger: Logger
  readonly #servers = new Set<Server>()
  #loaded: Loaded
  #settling: NodeJS.Timeout | undefined

  /** @throws TlsFileError */
  constructor(settings: TlsSettings, metrics: Metrics, logger: Logger) {
    this.settings = settings
    this.#metrics = metrics
    this.#logger = logger
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
      this.#loaded = loadTlsFiles(this.settings)
      for (const server of this.#servers) server.setSecureContext(this.#loaded.context)
      this.#metrics.certificateEnd.set(this.#loaded.validUntil / 1000)
      this.#metrics.certificateReloads.inc({ outcome: 'taken' })
      this.#logger.info({ validUntil: new Date(this.#loaded.validUntil).toISOString() }, 'TLS certificate taken')
    } catch (error) {
      this.#metrics.certificateReloads.inc({ outcome: 'refused' })
      const { code } = new PushError('TLS_FILES_INVALID')
      const detail = error instanceof Error ? error.message : String(error)
      this.#logger.error({ code, detail }, 'the TLS files cannot be used; the former ones stay in service')
    }
  }

  /** Takes the files whenever one of them changes. */
  watch(): void {
    for (const path of this.#paths()) {
      watchFile(path, { interval: LOOK_MS, persistent: false }, () => {
        clearTimeout(this.#settling)
        this.#settling = setTimeout(() => this.reload(), SETTLE_MS).unref()
      })
    }
  }

  close(): void {
    clearTimeout(this.#settling)
    for (const path of this.#paths()) unwatchFile(path)
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
  const certificate = check(
    'PUSH_TLS_CERT',
    settings.certificate,
    'is not a PEM certificate',
    () => new X509Certificate(cert),
  )
  const privateKey = check('PUSH_TLS_KEY', settings.key, 'is not a PEM private key without a passphrase', () =>
    createPrivateKey(key),
  )
  if (!certificate.checkPrivateKey(privateKey))
    throw new TlsFileError('PUSH_TLS_KEY', settings.key, 'is not the key of the certificate in PUSH_TLS_CERT')
  const ca = settings.ca === undefined ? undefined : read('PUSH_TLS_CA', settings.ca)
  if (ca !== undefined)
    check('PUSH_TLS_CA', settings.ca ?? '', 'holds no PEM certificate', () => new X509Certificate(ca))
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: settings.minimumVersion,
    ...(ca === undefined ? {} : { ca }),
  }
  check('PUSH_TLS_CERT', settings.certificate, 'cannot be used for TLS', () => createSecureContext(context))
  return { context, validUntil: Date.parse(certificate.validTo) }
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
