/** What the parts of a client share. */
import type { Api } from './call.ts'
import { errorOf, type PushClientError } from './errors.ts'
import type { ListenOptions } from './types.ts'

export interface Context {
  readonly options: ListenOptions
  readonly api: Api
  /** Aborted when the client closes. */
  readonly signal: AbortSignal
}

/** Reports errors that are retried. */
export function tell({ options }: Context, error: PushClientError): void {
  try {
    options.onError?.(error)
  } catch {
    // It was to hear of failures, and is one: nobody is left to hear of it.
  }
}

/** Calls a callback of the embedder; its failure ends nothing of ours. */
export async function callBack(context: Context, name: string, call: () => unknown): Promise<void> {
  try {
    await call()
  } catch (error) {
    tell(context, errorOf(error, 'CALLBACK_FAILED', `${name} has failed`))
  }
}
