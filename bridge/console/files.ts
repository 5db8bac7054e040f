/** The pages of the console, as they were built. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { PushError } from '../../errors.ts'
import { isAvailable, type ConsoleMode } from './availability.ts'

/** Beside what the compiler makes of this file: dist/console. */
const FOLDER = fileURLToPath(new URL('../../console/', import.meta.url))

/** Nothing but its own files: no inline script or style, no other origin, no frame around it, and no text that becomes HTML. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  // A new version of the server has new files under the same names.
  'cache-control': 'no-cache',
} as const

export function serveConsole(api: FastifyInstance, mode: ConsoleMode): void {
  // A program that embeds push may have been built without it.
  if (!existsSync(FOLDER)) return
  api.register(async (files) => {
    const { default: fastifyStatic } = await import('@fastify/static')
    files.addHook('onRequest', async ({ raw }, reply) => {
      if (!isAvailable(mode, raw)) throw new PushError('NOT_FOUND')
      reply.headers(HEADERS)
    })
    // Relative, so that it holds below a prefix of an embedding program as well.
    files.get('/console', { schema: { hide: true } }, async (_request, reply) => reply.redirect('console/', 308))
    await files.register(fastifyStatic, {
      root: FOLDER,
      prefix: '/console/',
      wildcard: false,
      preCompressed: true,
      cacheControl: false,
      dotfiles: 'deny',
      schemaHide: true,
    })
  })
}
