/**
 * Unexpected errors: how they are logged, and where they go if no caller can be told. The log never holds data from
 * outside: ioredis attaches the arguments of a command to its errors, and Redis quotes some in its messages.
 */
import type { Logger } from 'pino'

/** An error as it appears in the log. */
interface LoggedError {
  readonly type: string
  readonly message: string
  readonly stack?: string
  readonly code?: string
  /** The name of the Redis command that failed. */
  readonly command?: string
  readonly cause?: unknown
}

/** Maximum depth of logged causes. */
const DEEPEST = 5
/** `ERR unknown command 'X', with args beginning with: ...` */
const QUOTED_ARGUMENTS = /,? with args beginning with:[^\n]*/g

/** The serializer of `err`: logs these fields and no others, whatever else is attached to the error. */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error))
    return typeof error === 'object' && error !== null ? 'an object that is no error' : error
  const { code, command, cause } = error as Error & { code?: unknown; command?: unknown }
  const name = typeof command === 'object' && command !== null && 'name' in command ? command.name : undefined
  return {
    type: error.name,
    message: withoutArguments(error.message),
    ...(error.stack === undefined ? {} : { stack: withoutArguments(error.stack) }),
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    ...(typeof name === 'string' ? { command: name } : {}),
    ...(cause === undefined || depth >= DEEPEST ? {} : { cause: describeError(cause, depth + 1) }),
  } satisfies LoggedError
}

function withoutArguments(text: string): string {
  return text.replace(QUOTED_ARGUMENTS, '')
}

/** Configures a pino logger, whoever created it. */
export function loggingErrorsSafely(logger: Logger): Logger {
  return logger.child({}, { serializers: { err: (error: unknown) => describeError(error) } })
}

/** Where an unexpected error surfaced: an exception or rejection in the process, or a guarded callback. */
export type UnexpectedKind = 'exception' | 'rejection' | 'callback'

interface UnexpectedReport {
  readonly logger: Pick<Logger, 'error'>
  readonly metrics: { readonly unexpectedErrors: { inc(labels: { readonly kind: UnexpectedKind }): void } }
}

/** Reports an error thrown by a callback whose caller is an event and cannot be told. */
export function reportUnexpected({ logger, metrics }: UnexpectedReport, error: unknown, what: string): void {
  metrics.unexpectedErrors.inc({ kind: 'callback' })
  logger.error({ err: error }, what)
}
