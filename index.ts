/** The public API. */
export type { AedesOptions } from 'aedes'
export { ERRORS, PushError, type ErrorCode } from './errors.ts'
export type { Metrics } from './common/metrics.ts'
export type { Algorithm, ProviderKey } from './auth/index.ts'
export type {
  CallOptions,
  InProcessCalls,
  SendAnswer,
  SendRequest,
  SendTo,
  TokenAnswer,
  TokenRequest,
} from './bridge/index.ts'
export { createPush, type Push } from './push/push.ts'
export type { PushLimits, PushOptions } from './push/options.ts'
