/** The certificate of the TLS listeners: read and checked as a whole, watched, and reloaded without a restart. */
import { unwatchFile, watchFile } from 'node:fs'
import type { SecureContextOptions, Server, TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { Metrics } from '../../common/metrics.ts'
import { chainProblem, isAboutDates } from './client-chain.ts'
import { TlsFileError } from './pem.ts'
import { type Loaded, loadTlsFiles, namesOf, type TlsSettings } from './tls-files.ts'

export { TlsFileError } from './pem.ts'
export { loadTlsFiles, type TlsSettings } from './tls-files.ts'

/** Polling beats notifications: it detects files that are replaced by a rename, a link or over a network, ms. */
const LOOK_MS = 1000
/** A certificate and its key are replaced one after the other: wait until both are there, ms. */
const SETTLE_MS = 500
const DAY_MS = 24 * 60 * 60 * 1000
/** When to warn before a certificate expires; a third of its validity if that is less, ms. */
const SOON_MS = 14 * DAY_MS

export class Certificates {
  #settings: TlsSettings
  readonly #metrics: Metrics
  readonly #logger: Logger
  readonly #now: () => number
  readonly #servers = new Set<Server>()
  #loaded: Loaded
  #settling: NodeJS.Timeout | undefined
  #daily: NodeJS.Timeout | undefined

  /** @throws TlsFileError */
  constructor(settings: TlsSettings, metrics: Metrics, logger: Logger, now = Date.now) {
    this.#settings = settings
    this.#metrics = metrics
    this.#logger = logger
    this.#now = now
    this.#loaded = loadTlsFiles(settings)
    this.#metrics.certificateEnd.set(this.#loaded.validUntil / 1000)
  }

  get settings(): TlsSettings {
    return this.#settings
  }

  get context(): SecureContextOptions {
    return this.#loaded.context
  }

  /** Whether clients are asked for a certificate, and whether the handshake itself refuses a wrong one. */
  get verification(): { readonly requestCert: boolean; readonly rejectUnauthorized: boolean } {
    const { clientAuth, checkClientDates = true } = this.#settings
    return { requestCert: clientAuth !== 'none', rejectUnauthorized: clientAuth === 'required' && checkClientDates }
  }

  /** What speaks against the certificate that a client has shown, or not shown; undefined: nothing. */
  problemOf(socket: TLSSocket): Error | string | undefined {
    const { clientAuth, checkClientDates = true } = this.#settings
    const leaf = socket.getPeerX509Certificate()
    // A certificate may be optional; a wrong one is not.
    if (leaf === undefined) return clientAuth === 'required' ? 'none was sent' : undefined
    const { authorities, revoked } = this.#loaded
    if (!socket.authorized) {
      const error = socket.authorizationError as Error | string
      if (checkClientDates || !isAboutDates(error)) return error
      // That error hides whatever else is wrong.
      const problem = chainProblem(socket.getPeerCertificate(true), authorities)
      if (problem !== undefined) return problem
      socket.authorized = true
    }
    return revoked?.problemOf(leaf)
  }

  /** Keeps the certificate of this server up to date. */
  serve(server: Server): void {
    this.#servers.add(server)
  }

  /**
   * Takes the files as they are now, for new connections; when they cannot be used, the old ones stay in service. `settings`
   * may name others; whether clients are asked for a certificate stays.
   */
  reload(settings = this.#settings): void {
    clearTimeout(this.#settling)
    try {
      const loaded = loadTlsFiles(settings)
      const now = this.#now()
      if (loaded.validUntil <= now && this.#loaded.validUntil > now)
        throw new TlsFileError(
          namesOf(settings).certificate,
          settings.certificate,
          'has expired, and the previous one has not',
        )
      this.#loaded = loaded
      this.#follow({ ...settings, clientAuth: this.#settings.clientAuth })
      for (const server of this.#servers) server.setSecureContext(this.#loaded.context)
      this.#metrics.certificateEnd.set(this.#loaded.validUntil / 1000)
      this.#metrics.certificateReloads.inc({ outcome: 'taken' })
      this.#logger.info({ validUntil: new Date(this.#loaded.validUntil).toISOString() }, 'TLS certificate loaded')
      this.#sayEnds()
    } catch (error) {
      this.#metrics.certificateReloads.inc({ outcome: 'refused' })
      const { code } = new PushError('TLS_FILES_INVALID')
      const detail = error instanceof Error ? error.message : String(error)
      this.#logger.error({ code, detail }, 'cannot use the TLS files; keeping the previous ones')
    }
  }

  /** Takes the files whenever one of them changes, and says each day what is about to end. */
  watch(): void {
    this.#sayEnds()
    this.#daily = setInterval(() => this.#sayEnds(), DAY_MS).unref()
    this.#watchFiles()
  }

  /** Other listeners may watch the same files. */
  readonly #look = (): void => {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => this.reload(), SETTLE_MS).unref()
  }

  #watchFiles(): void {
    for (const path of this.#paths()) {
      watchFile(path, { interval: LOOK_MS, persistent: false }, this.#look)
    }
  }

  #follow(settings: TlsSettings): void {
    if (this.#daily !== undefined) for (const path of this.#paths()) unwatchFile(path, this.#look)
    this.#settings = settings
    if (this.#daily !== undefined) this.#watchFiles()
  }

  close(): void {
    clearInterval(this.#daily)
    clearTimeout(this.#settling)
    for (const path of this.#paths()) unwatchFile(path, this.#look)
  }

  #sayEnds(): void {
    const now = this.#now()
    for (const { setting, path, number, subject, from, until } of this.#loaded.certificates) {
      const line = { setting, path, number, subject, from: new Date(from), until: new Date(until) }
      if (until <= now) this.#logger.error(line, 'TLS certificate has expired')
      else if (from > now) this.#logger.error(line, 'TLS certificate is not valid yet')
      else if (until - now < Math.min(SOON_MS, (until - from) / 3))
        this.#logger.warn(line, 'TLS certificate expires soon')
    }
  }

  #paths(): string[] {
    const { certificate, key, ca, caFolder, crl } = this.#settings
    return [certificate, key, ca, caFolder, crl].filter((path) => path !== undefined)
  }
}
