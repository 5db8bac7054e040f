/** The OpenAPI 3.1 document, generated from the schemas that validate requests. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'

/** The cookie of the console stands for the key that signed it in. */
function withSession(schema: FastifySchema): FastifySchema {
  const { security } = schema
  if (security?.some((each) => 'providerKey' in each) !== true) return schema
  return { ...schema, security: [...security, { consoleSession: [] }] }
}

const consoleSession = {
  type: 'apiKey',
  in: 'cookie',
  name: 'push_console',
  description:
    'The session cookie of the console; `__Host-push_console` over TLS. Needs the header `x-push-console`, and `Origin` if the call changes something',
} as const

export function openApiOptions(version: string, hasConsole: boolean): FastifyDynamicSwaggerOptions {
  return {
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
        { name: 'tokens', description: 'Message tokens, for providers and for devices' },
        { name: 'messages', description: 'Send as a provider; look up and acknowledge as a device' },
        { name: 'events', description: 'What happened to messages and tokens, and what devices publish' },
        { name: 'webhooks', description: 'Calls to a server of the provider when something happens' },
        { name: 'web push', description: 'Send through the capability URL of a device (RFC 8030)' },
        { name: 'keys', description: 'Manage provider keys' },
        ...(hasConsole ? [{ name: 'console', description: 'Sign in to and out of the console' }] : []),
        { name: 'server', description: 'State of the server' },
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
          ...(hasConsole ? { consoleSession } : {}),
          messageToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A message token' },
          streamTicket: { type: 'apiKey', in: 'query', name: 'ticket', description: 'A ticket for a stream' },
        },
      },
    },
    ...(hasConsole ? { transform: ({ schema, url }) => ({ schema: withSession(schema), url }) } : {}),
    refResolver: {
      buildLocalReference({ $id }, _base, _fragment, index) {
        return typeof $id === 'string' ? $id : `schema-${index}`
      },
    },
  }
}
