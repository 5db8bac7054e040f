/** `GET /healthz` and `GET /readyz`: is the process alive, and can it do its work. */
import { Type } from 'typebox'
import type { StoreHealth } from '../../store/contract.ts'
import type { Api } from '../fastify-app.ts'
import { problems } from '../schemas.ts'

export function reportHealth(api: Api, ready: () => Promise<StoreHealth>): void {
  const live = {
    operationId: 'live',
    summary: 'Is the process alive',
    tags: ['server'],
    security: [],
    response: { 200: Type.Object({ status: Type.Literal('live') }, { description: 'Alive' }) },
  }
  api.get('/healthz', { schema: live }, async () => ({ status: 'live' as const }))

  const readiness = {
    operationId: 'ready',
    summary: 'Can the server take requests',
    tags: ['server'],
    security: [],
    response: {
      200: Type.Object(
        {
          status: Type.Literal('ready'),
          warnings: Type.Array(Type.String(), { description: 'Settings that put a promise at risk' }),
        },
        { description: 'Ready' },
      ),
      ...problems('STORE_UNAVAILABLE', 'UPSTREAM_UNAVAILABLE'),
    },
  }
  api.get('/readyz', { schema: readiness }, async () => {
    const { warnings } = await ready()
    return { status: 'ready' as const, warnings: [...warnings] }
  })
}
