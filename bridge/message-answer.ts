/** A message as lookups and streams answer it. */
import { broadcastTopic, privateTopic, type Device } from '../topics/index.ts'
import type { PageEntry } from './lookup.ts'
import { payloadOf } from './payload.ts'
import { messageIdSchema, timeSchema } from './schemas.ts'
import { toldOf } from './web-push/told.ts'

export const messageSchema = {
  type: 'object',
  required: ['id', 'topic', 'storedAt', 'expiresAt'],
  properties: {
    id: messageIdSchema('The same message has the same id over MQTT'),
    topic: { type: 'string', examples: ['chat/2.1.0'] },
    payload: { type: 'string', description: 'When the bytes are UTF-8' },
    payloadBase64: { type: 'string', contentEncoding: 'base64', description: 'When they are not' },
    contentEncoding: {
      type: 'string',
      description: 'Of a Web Push message: what the payload is encrypted with',
      examples: ['aes128gcm'],
    },
    urgency: { type: 'string', description: 'Of a Web Push message, where its sender says so', examples: ['high'] },
    storedAt: timeSchema('When the server accepted it'),
    expiresAt: timeSchema('When it is no longer sent'),
    missed: {
      anyOf: [{ type: 'integer' }, { type: 'boolean', const: true }],
      description:
        'Messages went because too many were pending: how many, or `true` for broadcasts. Repeated until a message that ' +
        'came after them is acknowledged',
      examples: [3],
    },
  },
}

export function messageAnswer(device: Device, { log, entry, missed }: PageEntry) {
  const { id, payload, storedAt, expiresAt } = entry
  return {
    id,
    // Only a token with a version is given broadcasts.
    topic:
      log === 'private' ? privateTopic(device.app, device.tokenId) : broadcastTopic(device.app, device.version ?? ''),
    ...payloadOf(payload),
    ...toldOf(entry),
    storedAt: new Date(storedAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
    ...(missed === undefined ? {} : { missed }),
  }
}
