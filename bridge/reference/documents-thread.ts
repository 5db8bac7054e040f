/** What runs in the thread of `collectDocuments`: the routes once more, in an application that answers nobody. */
import swagger from '@fastify/swagger'
import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { fastify } from 'fastify'
import { problemSchema } from '../schemas.ts'
import type { ApiDescription, Documents, Variants } from './documents.ts'
import { openApiOptions } from './openapi.ts'
import { referencePage } from './page.ts'

async function documentsOf({ version, hasConsole, routes }: ApiDescription): Promise<Documents> {
  const app = fastify()
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => () => '')
  app.addSchema(problemSchema)
  app.register(swagger, openApiOptions(version, hasConsole))
  app.register(async (scope) => {
    for (const route of routes) scope.route({ ...route, handler: async () => undefined })
  })
  await app.ready()
  const text = JSON.stringify(app.swagger())
  return { openApi: variantsOf(text), page: variantsOf(referencePage(JSON.parse(text))) }
}

function variantsOf(text: string): Variants {
  const plain = Buffer.from(text)
  return {
    plain,
    gzip: gzipSync(plain, { level: 9 }),
    br: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } }),
    // Weak (RFC 9110 section 8.8.1): compressed or not, it is the same.
    etag: `W/"${createHash('sha256').update(plain).digest('base64url')}"`,
  }
}

parentPort?.postMessage(await documentsOf(workerData))
