/** `POST /v1/tokens`: a message token for one (app, device, account). */
import { Type, type Static } from 'typebox'
import type { Auth } from '../../auth/contract.ts'
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import {
  broadcastTopic,
  deviceMark,
  isAppName,
  isName,
  isVersion,
  mayActFor,
  privateTopic,
} from '../../topics/index.ts'
import type { Guard } from '../authenticate.ts'
import type { Api } from '../fastify-app.ts'
import type { TokenTtl } from '../limits.ts'
import type { LongPolls } from '../long-polls.ts'
import { BODY_ERRORS, noQuery, problems, PROVIDER_ERRORS, timeSchema, tokenIdSchema } from '../schemas.ts'

const NAME = '1 to 128 bytes without control characters, `/`, `+`, `#` or a `$` at the start'

const bodySchema = ({ default: usual, maximum }: TokenTtl) =>
  Type.Object(
    {
      app: Type.String({ description: `${NAME}, nor \`%\``, examples: ['chat'] }),
      device: Type.String({ description: NAME, examples: ['phone-17'] }),
      account: Type.Optional(
        Type.String({ description: `${NAME}; absent or empty: not logged in`, examples: ['ann'] }),
      ),
      version: Type.Optional(Type.String({ description: 'Of the app on this device', examples: ['2.1.0'] })),
      ttl: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum,
          description: `Life of the token, seconds; ${usual} when absent`,
          examples: [86_400],
        }),
      ),
    },
    { additionalProperties: false },
  )

const answerSchema = Type.Object(
  {
    token: Type.String({
      description: 'The message token, a JWT: the MQTT password, and the Bearer token of a device',
    }),
    tokenId: tokenIdSchema,
    expiresAt: timeSchema('When the token ends'),
    topics: Type.Object({
      private: Type.String({
        description: 'What is for this token alone',
        examples: ['chat/t/kHqJ2mXv0pR7tYw3nZs5cA'],
      }),
      broadcast: Type.Union([Type.String(), Type.Null()], {
        description: 'What is for every device with this version; null without a version',
        examples: ['chat/2.1.0'],
      }),
    }),
  },
  { description: 'The token' },
)

export interface IssueContext {
  readonly auth: Auth
  readonly store: Store
  readonly guard: Guard
  readonly longPolls: LongPolls
  readonly tokenTtl: TokenTtl
  readonly now: () => number
}

export function issueTokens(api: Api, { auth, store, guard, longPolls, tokenTtl, now }: IssueContext): void {
  const schema = {
    operationId: 'issueToken',
    summary: 'Issue a message token',
    description:
      'The same app, device and account always have the same token id, so what is pending stays. ' +
      'Another account of the same app on the same device is an account switch: ' +
      'the token of the former account is refused until it is issued again.',
    tags: ['tokens'],
    security: [{ providerKey: [] }],
    querystring: noQuery,
    body: bodySchema(tokenTtl),
    response: {
      201: answerSchema,
      ...problems(
        ...PROVIDER_ERRORS,
        ...BODY_ERRORS,
        'NAME_INVALID',
        'VERSION_INVALID',
        'TTL_INVALID',
        'APP_FORBIDDEN',
        'STORE_UNAVAILABLE',
      ),
    },
  }
  api.post('/v1/tokens', { onRequest: guard.provider, schema }, async (request, reply) => {
    const { app, device, account = '', version, ttl = tokenTtl.default } = request.body
    checkNames(request.body)
    if (!mayActFor(guard.providerOf(request), app)) throw new PushError('APP_FORBIDDEN')
    const names = { app, device, account, ...(version === undefined ? {} : { version }) }
    const tokenId = auth.tokenIdOf(names)
    const registered = await store.registerToken({
      tokenId,
      app,
      deviceMark: deviceMark(app, device),
      expiresAt: now() + ttl * 1000,
    })
    const { generation, switchedFrom } = registered
    if (switchedFrom !== undefined) longPolls.recheck(switchedFrom)
    const issued = auth.issue({ ...names, ttl, generation })
    return reply.code(201).send({
      token: issued.token,
      tokenId,
      expiresAt: new Date(issued.expiresAt).toISOString(),
      topics: {
        private: privateTopic(app, tokenId),
        broadcast: version === undefined ? null : broadcastTopic(app, version),
      },
    })
  })
}

function checkNames({ app, device, account, version }: Static<ReturnType<typeof bodySchema>>): void {
  if (!isAppName(app)) throw new PushError('NAME_INVALID', '`app`; an app has no `%` either')
  if (!isName(device)) throw new PushError('NAME_INVALID', '`device`')
  if (account !== undefined && account !== '' && !isName(account)) throw new PushError('NAME_INVALID', '`account`')
  if (version !== undefined && !isVersion(version)) throw new PushError('VERSION_INVALID', '`version`')
}
