/** Everything HTTP. */
export { createHttpApi, type HttpApi, type HttpApiOptions } from './api.ts'
export {
  createInProcessCalls,
  type BroadcastOf,
  type CallOptions,
  type EnrolmentRequest,
  type InProcessCalls,
  type SendRequest,
  type SendTo,
  type TokenQuery,
  type TokenRequest,
} from './calls/in-process.ts'
export type {
  BroadcastRecall,
  BroadcastStatus,
  RecallAnswer,
  ReceiverRecall,
  ReceiverStatus,
  StatusAnswer,
} from './calls/follow-message.ts'
export type { TokenAnswer } from './calls/issue-token.ts'
export type { ListedToken, TokenList } from './calls/list-tokens.ts'
export type { SendAnswer } from './calls/send-message.ts'
export { boundTo, checkOneHost, createHostCheck } from './host-check.ts'
export type {
  KeyAnswer,
  KeyApps,
  KeyChange,
  KeyList,
  KeyQuery,
  KeyQuotas,
  KeyRequest,
  KeyRotation,
  MadeKeyAnswer,
} from './keys/schemas.ts'
export { DELIVERIES_TABLE } from './webhooks/delivery-row.ts'
export type {
  EnabledWebhookAnswer,
  FoundWebhookAnswer,
  MadeWebhookAnswer,
  SecretRotation,
  WebhookAnswer,
  WebhookChange,
  WebhookList,
  WebhookQuery,
  WebhookReplay,
  WebhookRequest,
  WebhookTest,
} from './webhooks/schemas.ts'
export { WEBHOOKS_TABLE } from './webhooks/webhook-row.ts'
export { isRetries } from './webhooks/schedule.ts'
export { isTargetHost } from './webhooks/target.ts'
export type { WebhookRules } from './webhooks/webhooks.ts'
export { CONSOLE_MODES, type ConsoleMode } from './console/availability.ts'
export { CODES_TABLE, type EnrolmentAnswer } from './calls/enrolments.ts'
export { KeyCopy, KEYS_TABLE } from './keys/key-copy.ts'
export { type HttpLimits } from './limits.ts'
export type { SigningKeyAnswer } from './signing-keys/calls.ts'
export { SigningKeys, SIGNING_TABLE } from './signing-keys/signing-keys.ts'
export { isPublicUrl } from './public-url.ts'
export { refuseUpgrade } from './problem.ts'
