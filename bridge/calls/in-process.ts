/** The calls of a provider for the embedding program: the same checks, errors and metrics as over HTTP. */
import type { Auth } from '../../auth/contract.ts'
import { PushError } from '../../errors.ts'
import type { MessageLimits } from '../../store/message.ts'
import { mayUse, type Provider, type Scope, type TagSelector } from '../../topics/index.ts'
import {
  changeKeySchema,
  createKeySchema,
  keyIdSchema,
  listKeysSchema,
  rotateKeySchema,
  type KeyAnswer,
  type KeyChange,
  type KeyList,
  type KeyQuery,
  type KeyRequest,
  type KeyRotation,
  type MadeKeyAnswer,
} from '../keys/schemas.ts'
import type { HttpLimits } from '../limits.ts'
import { createCompiler, fromValidation, type Compiler } from '../validation.ts'
import { known, type Caller } from './call.ts'
import type { Calls } from './calls.ts'
import {
  followSchema,
  messageIdParams,
  type FollowTarget,
  type RecallAnswer,
  type StatusAnswer,
} from './follow-message.ts'
import { tokenSchema, type TokenAnswer, type TokenBody } from './issue-token.ts'
import { enrolmentSchema, type EnrolmentAnswer, type EnrolmentBody } from './enrolments.ts'
import { listSchema, type ListQuery, type TokenList } from './list-tokens.ts'
import type { CallOptions } from './in-process-options.ts'
import { EVERY_APP } from './program.ts'
import { createWebhooksInProcess, type WebhooksInProcess } from './webhooks-in-process.ts'
import { revokeAllSchema, revokeSchema, type RevokeAllBody } from './revoke-token.ts'
import { sendSchema, type SendAnswer, type SendBody } from './send-message.ts'

export type { CallOptions }

type Without<Names extends string> = { readonly [Name in Names]?: never }

/**
 * The receivers of a message: a token, up to a thousand tokens, an account, or every device with a version of an app,
 * optionally limited by tags.
 */
export type SendTo =
  | ({ readonly token: string; readonly app?: string | undefined } & Without<
      'tokens' | 'account' | 'version' | 'versions' | 'tags'
    >)
  | ({ readonly tokens: readonly string[]; readonly app?: string | undefined } & Without<
      'token' | 'account' | 'version' | 'versions' | 'tags'
    >)
  | ({ readonly app: string; readonly account: string } & Without<'token' | 'tokens' | 'version' | 'versions' | 'tags'>)
  | ({ readonly app: string; readonly version: string; readonly tags?: TagSelector | undefined } & Without<
      'token' | 'tokens' | 'account' | 'versions'
    >)
  | ({ readonly app: string; readonly versions: string; readonly tags?: TagSelector | undefined } & Without<
      'token' | 'tokens' | 'account' | 'version'
    >)

/** Any broadcast of an app, identified by its id. */
export type BroadcastOf = { readonly app: string } & Without<
  'token' | 'tokens' | 'account' | 'version' | 'versions' | 'tags'
>

/** A message: the body of `POST /v1/messages`. */
export type SendRequest = {
  readonly to: SendTo
  /** Time to live, seconds; 0: delivered now or never, nothing is stored. */
  readonly ttl?: number | undefined
  /** Replaces a message with the same key that the receiver has not acknowledged yet. 1 to 64 bytes. */
  readonly collapseKey?: string | undefined
  /** Requests an event when it ends; not for broadcasts. */
  readonly receipt?: boolean | undefined
  /** Checks everything and stores nothing. */
  readonly dryRun?: boolean | undefined
  /** Also retains the message on its topic for new subscriptions. */
  readonly retain?: boolean | undefined
  /** The same id again is accepted once. */
  readonly id?: string | undefined
} & (
  | {
      /** A string is sent as UTF-8, a `Uint8Array` (such as a `Buffer`) as it is, anything else as JSON text. */
      readonly payload: unknown
      readonly payloadBase64?: never
    }
  | { readonly payload?: never; readonly payloadBase64: string }
)

/** The body of `POST /v1/tokens`. */
export interface TokenRequest {
  readonly app: string
  /** Absent: the server generates an unguessable name. */
  readonly device?: string | undefined
  /** Absent or empty: not logged in. */
  readonly account?: string | undefined
  /** Version of the app on this device. */
  readonly version?: string | undefined
  /** Lifetime of the token, seconds. */
  readonly ttl?: number | undefined
  /** Tags of the device, instead of those it has; absent: they stay. */
  readonly tags?: readonly string[] | undefined
  /** Until when the device may renew the token itself, ISO 8601; at most 400 days ahead. */
  readonly renewUntil?: string | undefined
  /** Requests a Web Push `endpoint`; with the key of an application server, only that server may send. */
  readonly webPush?: { readonly vapidKey?: string | undefined } | undefined
}

/** The body of `POST /v1/enrolments`. */
export interface EnrolmentRequest {
  readonly app: string
  /** Absent or empty: not logged in. */
  readonly account?: string | undefined
  /** The only device that may use it; absent: the first one that does. */
  readonly device?: string | undefined
  readonly tags?: readonly string[] | undefined
  /** Lifetime, seconds; default 600, at most 86,400. */
  readonly ttl?: number | undefined
  /** Works even if another account is logged in to the app on the device. */
  readonly takeOver?: boolean | undefined
}

/** The query of `GET /v1/tokens`. */
export interface TokenQuery {
  readonly app: string
  readonly account?: string | undefined
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined
  /** Cursor of the page before. */
  readonly cursor?: string | undefined
}

export interface InProcessCalls extends WebhooksInProcess {
  /**
   * What `POST /v1/messages` does; resolves when the message is stored durably for all that are not listed as rejected.
   * @throws PushError (rejects), with the `messageId` where some receivers may have the message
   */
  send(message: SendRequest, options?: CallOptions): Promise<SendAnswer>
  /**
   * What `POST /v1/messages/{id}/status` does; a broadcast is known by its app alone.
   * @throws PushError (rejects)
   */
  messageStatus(id: string, to: SendTo | BroadcastOf, options?: CallOptions): Promise<StatusAnswer>
  /**
   * What `POST /v1/messages/{id}/recall` does.
   * @throws PushError (rejects)
   */
  recallMessage(id: string, to: SendTo | BroadcastOf, options?: CallOptions): Promise<RecallAnswer>
  /**
   * What `POST /v1/tokens` does.
   * @throws PushError (rejects)
   */
  issueToken(request: TokenRequest, options?: CallOptions): Promise<TokenAnswer>
  /**
   * What `DELETE /v1/tokens/{tokenId}` does: effective at once, a live connection is closed.
   * @throws PushError (rejects)
   */
  revokeToken(tokenId: string, options?: CallOptions): Promise<void>
  /** What `POST /v1/keys` does. @throws PushError (rejects), as do the others */
  createKey(request: KeyRequest, options?: CallOptions): Promise<MadeKeyAnswer>
  /** What `GET /v1/keys` does. */
  listKeys(query?: KeyQuery, options?: CallOptions): Promise<KeyList>
  /** What `GET /v1/keys/{id}` does. */
  findKey(id: string, options?: CallOptions): Promise<KeyAnswer>
  /** What `PATCH /v1/keys/{id}` does. */
  changeKey(id: string, change: KeyChange, options?: CallOptions): Promise<KeyAnswer>
  /** What `POST /v1/keys/{id}/rotate` does. */
  rotateKey(id: string, rotation?: KeyRotation, options?: CallOptions): Promise<MadeKeyAnswer>
  /** What `DELETE /v1/keys/{id}` does. */
  deleteKey(id: string, options?: CallOptions): Promise<void>
  /**
   * What `POST /v1/tokens/revoke` does: all tokens of an app, or of an account of it.
   * @throws PushError (rejects)
   */
  revokeTokens(
    of: { readonly app: string; readonly account?: string | undefined },
    options?: CallOptions,
  ): Promise<void>
  /**
   * What `GET /v1/tokens` does.
   * @throws PushError (rejects)
   */
  listTokens(query: TokenQuery, options?: CallOptions): Promise<TokenList>
  /**
   * What `POST /v1/enrolments` does: a code for a device that has nothing yet.
   * @throws PushError (rejects)
   */
  createEnrolment(request: EnrolmentRequest, options?: CallOptions): Promise<EnrolmentAnswer>
}

interface InProcessContext {
  readonly calls: Calls
  readonly auth: Pick<Auth, 'providerNamed'>
  readonly limits: HttpLimits & MessageLimits
  readonly log: Caller['log']
  readonly isClosing: () => boolean
}

export function createInProcessCalls(context: InProcessContext): InProcessCalls {
  const { calls, limits, log } = context
  const compile = createCompiler()
  const asMessage = checker<SendBody>(compile, sendSchema(limits), 'body')
  const asTo = checker<{ to: FollowTarget }>(compile, followSchema(limits), 'body')
  const asMessageId = checker<{ id: string }>(compile, messageIdParams, 'params')
  const asTokenRequest = checker<TokenBody>(compile, tokenSchema(limits), 'body')
  const asKeyRequest = checker<KeyRequest>(compile, createKeySchema, 'body')
  const asKeyChange = checker<KeyChange>(compile, changeKeySchema, 'body')
  const asKeyRotation = checker<KeyRotation>(compile, rotateKeySchema, 'body')
  const asKeyQuery = checker<KeyQuery>(compile, listKeysSchema, 'querystring')
  const asKeyId = checker<{ id: string }>(compile, keyIdSchema, 'params')
  const asRevocationOfAll = checker<RevokeAllBody>(compile, revokeAllSchema, 'body')
  const asQuery = checker<ListQuery>(compile, listSchema, 'querystring')
  const asEnrolment = checker<EnrolmentBody>(compile, enrolmentSchema, 'body')
  const asRevocation = checker<{ tokenId: string }>(compile, revokeSchema, 'params')

  async function call<T>(scope: Scope, options: unknown, work: (caller: Caller) => Promise<T>): Promise<T> {
    if (context.isClosing()) throw new PushError('SHUTTING_DOWN')
    try {
      const provider = providerOf(options, context.auth)
      if (!mayUse(provider, scope)) throw new PushError('SCOPE_MISSING', scope)
      return await work({ provider, log })
    } catch (error) {
      throw known(error, log)
    }
  }

  return {
    send: (message, options = {}) => call('messages:send', options, (caller) => calls.send(asMessage(message), caller)),
    messageStatus: (id, to, options = {}) =>
      call('messages:read', options, (caller) => calls.messageStatus(asMessageId({ id }).id, asTo({ to }).to, caller)),
    recallMessage: (id, to, options = {}) =>
      call('messages:send', options, (caller) => calls.recallMessage(asMessageId({ id }).id, asTo({ to }).to, caller)),
    issueToken: (request, options = {}) =>
      call('tokens:issue', options, ({ provider }) =>
        calls.issueToken(asTokenRequest(request), { kind: 'provider', provider }),
      ),
    revokeToken: (tokenId, options = {}) =>
      call('tokens:revoke', options, (caller) => calls.revokeToken(asRevocation({ tokenId }).tokenId, caller)),
    createKey: (request, options = {}) =>
      call('keys:admin', options, (caller) => calls.createKey(asKeyRequest(request), caller)),
    listKeys: (query = {}, options = {}) =>
      call('keys:admin', options, (caller) => calls.listKeys(asKeyQuery(query), caller)),
    findKey: (id, options = {}) => call('keys:admin', options, (caller) => calls.findKey(asKeyId({ id }).id, caller)),
    changeKey: (id, change, options = {}) =>
      call('keys:admin', options, (caller) => calls.changeKey(asKeyId({ id }).id, asKeyChange(change), caller)),
    rotateKey: (id, rotation = {}, options = {}) =>
      call('keys:admin', options, (caller) => calls.rotateKey(asKeyId({ id }).id, asKeyRotation(rotation), caller)),
    deleteKey: (id, options = {}) =>
      call('keys:admin', options, (caller) => calls.deleteKey(asKeyId({ id }).id, caller)),
    revokeTokens: (of, options = {}) =>
      call('tokens:revoke', options, (caller) => calls.revokeAll(asRevocationOfAll(of), caller)),
    listTokens: (query, options = {}) =>
      call('tokens:read', options, (caller) => calls.listTokens(asQuery(query), caller)),
    createEnrolment: (request, options = {}) =>
      call('tokens:issue', options, ({ provider }) => calls.enrolments.create(asEnrolment(request), provider)),
    ...createWebhooksInProcess(calls, (options, work) => call('webhooks:write', options, work), {
      body: (schema) => checker(compile, schema, 'body'),
      query: (schema) => checker(compile, schema, 'querystring'),
      params: (schema) => checker(compile, schema, 'params'),
    }),
  }
}

/** @throws what HTTP answers for a request of this shape */
function checker<T>(compile: Compiler, schema: object, where: string): (value: unknown) => T {
  const validate = compile<T>({ schema })
  return (value) => {
    if (validate(value)) return value
    // Over HTTP it would be no JSON object, and was refused before.
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new PushError('REQUEST_INVALID', `${where} must be object`)
    throw fromValidation(validate.errors ?? [], where)
  }
}

/** @throws REQUEST_INVALID */
function providerOf(options: unknown, auth: Pick<Auth, 'providerNamed'>): Provider {
  if (typeof options !== 'object' || options === null) throw new PushError('REQUEST_INVALID', 'options must be object')
  const { provider: name, ...others } = options as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new PushError('REQUEST_INVALID', `options has the unknown field ${unknown}`)
  if (name === undefined) return EVERY_APP
  const provider = typeof name === 'string' ? auth.providerNamed(name) : undefined
  if (provider === undefined) throw new PushError('REQUEST_INVALID', 'options/provider is not the name of a provider')
  return provider
}
