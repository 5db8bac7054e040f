/** The OpenAPI 3.1 document, made from the schemas that validate. */
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { problemSchema } from './schemas.ts'

export function describeApi(app: FastifyInstance, version: string): void {
  app.addSchema(problemSchema)
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'aedes-push',
        version,
        description:
          'Push messages to one app of one account on one device, or to every device with a version of an app.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'tokens', description: 'Message tokens, for a provider or for the device itself' },
        { name: 'messages', description: 'Sending by a provider, looking up and acknowledging by a device' },
        { name: 'web push', description: 'Sending through the capability URL of a device (RFC 8030)' },
        { name: 'keys', description: 'Provider keys, by whoever may give them out' },
        { name: 'server', description: 'Its state' },
      ],
      components: {
        securitySchemes: {
          providerKey: { type: 'http', scheme: 'bearer', description: 'A provider key' },
          identityToken: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'A JWT of an identity provider of `PUSH_ISSUERS_FILE`',
          },
          enrolmentCode: { type: 'http', scheme: 'bearer', description: 'An enrolment code' },
          vapid: { type: 'apiKey', in: 'header', name: 'authorization', description: '`vapid t=..., k=...`, RFC 8292' },
          messageToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A message token' },
          streamTicket: { type: 'apiKey', in: 'query', name: 'ticket', description: 'A ticket for a stream' },
        },
      },
    },
    refResolver: {
      buildLocalReference({ $id }, _base, _fragment, index) {
        return typeof $id === 'string' ? $id : `schema-${index}`
      },
    },
  })
}
