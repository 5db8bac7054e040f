/** A message as it appears in lookups and streams. */
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
    payload: { type: 'string', description: 'The payload, if it is UTF-8' },
    payloadBase64: { type: 'string', contentEncoding: 'base64', description: 'The payload, if it is not UTF-8' },
    contentEncoding: {
      type: 'string',
      description: 'Encryption of a Web Push payload',
      examples: ['aes128gcm'],
    },
    urgency: {
      type: 'string',
      description: 'Urgency of a Web Push message, if its sender set one',
      examples: ['high'],
    },
    storedAt: timeSchema('When the server accepted it'),
    expiresAt: timeSchema('When it expires'),
    missed: {
      anyOf: [{ type: 'integer' }, { type: 'boolean', const: true }],
      description:
        'Number of messages lost because too many were pending, or `true` for broadcasts. Repeated until a later message is acknowledged',
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
