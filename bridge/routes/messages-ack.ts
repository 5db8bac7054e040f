/** `POST /v1/messages/ack`: a device has what a lookup gave it. */
import { Type } from 'typebox'
import type { Store } from '../../store/contract.ts'
import type { Guard } from '../authenticate.ts'
import { decodeCursor } from '../cursor.ts'
import type { Api } from '../frame.ts'
import { BODY_ERRORS, DEVICE_ERRORS, problems } from '../schemas.ts'

const bodySchema = Type.Object(
  { cursor: Type.String({ description: 'From a lookup with this token' }) },
  { additionalProperties: false },
)

export function acknowledgeMessages(
  api: Api,
  { store, guard }: { readonly store: Store; readonly guard: Guard },
): void {
  const schema = {
    operationId: 'acknowledgeMessages',
    summary: 'Acknowledge messages',
    description: 'Everything up to the cursor is not sent again, over HTTP or MQTT. Repeating it does no harm.',
    tags: ['messages'],
    security: [{ messageToken: [] }],
    body: bodySchema,
    response: {
      204: Type.Null({ description: 'Acknowledged' }),
      ...problems(...DEVICE_ERRORS, ...BODY_ERRORS, 'CURSOR_INVALID'),
    },
  }
  api.post('/v1/messages/ack', { onRequest: guard.device, schema }, async (request, reply) => {
    const { tokenId } = guard.deviceOf(request).device
    await store.commit([{ tokenId, ...decodeCursor(tokenId, request.body.cursor) }])
    return reply.code(204).send(null)
  })
}
