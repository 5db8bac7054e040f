/** What all calls of a provider share, over HTTP and in process. */
import type { FastifyBaseLogger } from 'fastify'
import { PushError } from '../../errors.ts'
import type { Provider } from '../../topics/index.ts'

/** For whom a call is made, and where a fault of our own is logged. */
export interface Caller {
  readonly provider: Provider
  readonly log: Pick<FastifyBaseLogger, 'error'>
  /** Traceparent of the trace that it belongs to, where that is recorded. */
  readonly traceparent?: string | undefined
}

/** What a caller is told of an error that is none of the catalogue; the log holds the rest. */
export function known(error: unknown, log: Caller['log']): PushError {
  if (error instanceof PushError) return error
  log.error({ err: error }, 'request failed')
  return new PushError('INTERNAL')
}

/** For the audit. */
export function nameOfProvider({ name, keyId }: Provider): string {
  return keyId === undefined ? `provider ${name}` : `key ${keyId} of ${name}`
}
