/** The calls of webhooks for the program that embeds us. */
import {
  changeWebhookSchema,
  createWebhookSchema,
  type EnabledWebhookAnswer,
  type FoundWebhookAnswer,
  listWebhooksSchema,
  type MadeWebhookAnswer,
  replaySchema,
  rotateSecretSchema,
  type SecretRotation,
  type WebhookAnswer,
  type WebhookChange,
  webhookIdSchema,
  type WebhookList,
  type WebhookQuery,
  type WebhookReplay,
  type WebhookRequest,
  type WebhookTest,
} from '../webhooks/schemas.ts'
import type { WebhookCalls } from '../webhooks/calls.ts'
import type { Caller } from './call.ts'
import type { CallOptions } from './in-process-options.ts'

export interface WebhooksInProcess {
  /** What `POST /v1/webhooks` does. @throws PushError (rejects), as do the others */
  createWebhook(request: WebhookRequest, options?: CallOptions): Promise<MadeWebhookAnswer>
  /** What `GET /v1/webhooks` does. */
  listWebhooks(query?: WebhookQuery, options?: CallOptions): Promise<WebhookList>
  /** What `GET /v1/webhooks/{id}` does. */
  findWebhook(id: string, options?: CallOptions): Promise<FoundWebhookAnswer>
  /** What `PATCH /v1/webhooks/{id}` does. */
  changeWebhook(id: string, change: WebhookChange, options?: CallOptions): Promise<WebhookAnswer>
  /** What `POST /v1/webhooks/{id}/rotate` does. */
  rotateWebhookSecret(id: string, rotation?: SecretRotation, options?: CallOptions): Promise<MadeWebhookAnswer>
  /** What `DELETE /v1/webhooks/{id}` does. */
  deleteWebhook(id: string, options?: CallOptions): Promise<void>
  /** What `POST /v1/webhooks/{id}/test` does. */
  testWebhook(id: string, options?: CallOptions): Promise<WebhookTest>
  /** What `POST /v1/webhooks/{id}/enable` does. */
  enableWebhook(id: string, options?: CallOptions): Promise<EnabledWebhookAnswer>
  /** What `POST /v1/webhooks/{id}/replay` does. */
  replayWebhook(id: string, replay?: WebhookReplay, options?: CallOptions): Promise<WebhookAnswer>
}

type Call = <T>(options: unknown, work: (caller: Caller) => Promise<T>) => Promise<T>
type Checked<T> = (value: unknown) => T

interface Checkers {
  body<T>(schema: object): Checked<T>
  query<T>(schema: object): Checked<T>
  params<T>(schema: object): Checked<T>
}

export function createWebhooksInProcess(calls: WebhookCalls, call: Call, checkers: Checkers): WebhooksInProcess {
  const asRequest = checkers.body<WebhookRequest>(createWebhookSchema)
  const asChange = checkers.body<WebhookChange>(changeWebhookSchema)
  const asRotation = checkers.body<SecretRotation>(rotateSecretSchema)
  const asReplay = checkers.body<WebhookReplay>(replaySchema)
  const asQuery = checkers.query<WebhookQuery>(listWebhooksSchema)
  const asParams = checkers.params<{ id: string }>(webhookIdSchema)
  const asId = (id: string) => asParams({ id }).id
  return {
    createWebhook: (request, options = {}) =>
      call(options, (caller) => calls.createWebhook(asRequest(request), caller)),
    listWebhooks: (query = {}, options = {}) => call(options, (caller) => calls.listWebhooks(asQuery(query), caller)),
    findWebhook: (id, options = {}) => call(options, (caller) => calls.findWebhook(asId(id), caller)),
    changeWebhook: (id, change, options = {}) =>
      call(options, (caller) => calls.changeWebhook(asId(id), asChange(change), caller)),
    rotateWebhookSecret: (id, rotation = {}, options = {}) =>
      call(options, (caller) => calls.rotateWebhookSecret(asId(id), asRotation(rotation), caller)),
    deleteWebhook: (id, options = {}) => call(options, (caller) => calls.deleteWebhook(asId(id), caller)),
    testWebhook: (id, options = {}) => call(options, (caller) => calls.testWebhook(asId(id), caller)),
    enableWebhook: (id, options = {}) => call(options, (caller) => calls.enableWebhook(asId(id), caller)),
    replayWebhook: (id, replay = {}, options = {}) =>
      call(options, (caller) => calls.replayWebhook(asId(id), asReplay(replay), caller)),
  }
}
