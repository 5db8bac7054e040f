/** The public API; docs/api.md is its reference. */
export type { FastifyInstance } from 'fastify'
export type { Logger } from 'pino'
export { ERRORS, PushError, type ErrorCode, type PushErrorOptions } from './errors.ts'
export type { Metrics } from './common/metrics.ts'
export type { CountName, Heard, Tally } from './common/tally.ts'
export type { TraceSpan, Tracing } from './common/tracing.ts'
export type { Algorithm, ProviderKey, Secrets } from './auth/index.ts'
export type {
  CallOptions,
  BroadcastOf,
  BroadcastRecall,
  BroadcastStatus,
  EnrolmentAnswer,
  EnrolmentRequest,
  EnabledWebhookAnswer,
  FoundWebhookAnswer,
  InProcessCalls,
  KeyAnswer,
  KeyApps,
  KeyChange,
  KeyList,
  KeyQuery,
  KeyQuotas,
  KeyRequest,
  KeyRotation,
  ListedToken,
  MadeKeyAnswer,
  MadeWebhookAnswer,
  ReceiverRecall,
  ReceiverStatus,
  RecallAnswer,
  SecretRotation,
  SendAnswer,
  SendRequest,
  SendTo,
  StatusAnswer,
  TokenAnswer,
  TokenList,
  TokenQuery,
  TokenRequest,
  WebhookAnswer,
  WebhookChange,
  WebhookList,
  WebhookQuery,
  WebhookReplay,
  WebhookRequest,
  WebhookRules,
  WebhookTest,
} from './bridge/index.ts'
export type { Quota, Scope, TagSelector } from './topics/index.ts'
export {
  Certificates,
  type Acceptor,
  type AskedClientId,
  type ConnectedUser,
  type ConnectionEnd,
  type Deliver,
  type GeneralAccess,
  type GeneralCounts,
  type GeneralRules,
  type ListenerRules,
  type NativePersistence,
  type ProxyRules,
  type RefusedClient,
  type ProtocolLevel,
  type QoS,
  type StoredCounts,
  type TlsSettings,
  type User,
  type UserCredentials,
  type Users,
} from './broker/index.ts'
export { createPush, type Push } from './push/push.ts'
export type { Lease } from './store/lease.ts'
export type { CommonOptions, PushLimits, PushOptions } from './push/options.ts'
