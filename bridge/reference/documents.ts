/**
 * The OpenAPI document, and the page that is made from it: once, at the first request, in a thread of its own, since both take
 * longer than the event loop may stand still.
 */
import { Worker } from 'node:worker_threads'
import type { FastifyInstance, FastifySchema } from 'fastify'

export interface DescribedRoute {
  readonly method: string | string[]
  readonly url: string
  readonly schema: FastifySchema
}

/** What the thread is given. */
export interface ApiDescription {
  /** Of the package. */
  readonly version: string
  readonly hasConsole: boolean
  readonly routes: readonly DescribedRoute[]
}

/** One thing to send, as clients take it. */
export interface Variants {
  readonly plain: Uint8Array
  readonly gzip: Uint8Array
  readonly br: Uint8Array
  readonly etag: string
}

export interface Documents {
  readonly openApi: Variants
  readonly page: Variants
}

/** Collects the routes that come after it. The documents are made when they are asked for. */
export function collectDocuments(
  app: FastifyInstance,
  about: Omit<ApiDescription, 'routes'>,
): () => Promise<Documents> {
  const routes: DescribedRoute[] = []
  app.addHook('onRoute', ({ method, url, schema = {} }) => {
    if (method !== 'HEAD') routes.push({ method, url, schema })
  })
  let thread: Worker | undefined
  let made: Promise<Documents> | undefined
  app.addHook('onClose', async () => {
    await thread?.terminate()
  })
  return () => {
    made ??= new Promise<Documents>((resolve, reject) => {
      // Of a schema, what the compiler of requests has added is no part of the description, and cannot be sent.
      const workerData = JSON.parse(JSON.stringify({ ...about, routes }))
      thread = new Worker(new URL('documents-thread.js', import.meta.url), { workerData, env: {}, execArgv: [] })
      thread.once('message', resolve)
      thread.once('error', reject)
      thread.once('exit', () => reject(new Error('the thread that makes the OpenAPI document has ended')))
    }).catch((error: unknown) => {
      // The next request tries again.
      made = undefined
      throw error
    })
    return made
  }
}
