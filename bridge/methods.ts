/** Distinguishes an unknown path from an unsupported method. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PushError } from '../errors.ts'

/** Methods by the pattern of the path. */
type Methods = ReadonlyMap<string, { readonly pattern: RegExp; readonly allowed: ReadonlySet<string> }>

/** Collects the methods of all routes that are added from now on. */
export function observeMethods(app: FastifyInstance): Methods {
  const methods = new Map<string, { pattern: RegExp; allowed: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? { pattern: patternOf(url), allowed: new Set<string>() }
    for (const one of [method].flat()) known.allowed.add(one)
    methods.set(url, known)
  })
  return methods
}

function patternOf(url: string): RegExp {
  const literal = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${literal.replace(/:[A-Za-z]+/g, '[^/]+')}$`)
}

/** @throws METHOD_NOT_ALLOWED or NOT_FOUND, always */
export function refuseUnknown(methods: Methods, request: FastifyRequest, reply: FastifyReply): never {
  const [path = ''] = request.url.split('?', 1)
  for (const { pattern, allowed } of methods.values()) {
    if (!pattern.test(path)) continue
    void reply.header('allow', [...allowed].join(', '))
    throw new PushError('METHOD_NOT_ALLOWED')
  }
  throw new PushError('NOT_FOUND')
}
