/** The limits of HTTP. */
import type { Limits } from '../common/limits.ts'

export type TokenLimits = Pick<
  Limits,
  'defaultTokenTtl' | 'maximumTokenTtl' | 'renewalMs' | 'accountDevices' | 'tokenRequests'
>

export type HttpLimits = TokenLimits &
  Pick<
    Limits,
    | 'bodyBytes'
    | 'headerBytes'
    | 'tokens'
    | 'keys'
    | 'webhooks'
    | 'webhooksInAll'
    | 'webhookCalls'
    | 'webhookCallsOfProvider'
    | 'webhookBytes'
    | 'webhookTimeoutMs'
    | 'providerUnderWay'
    | 'lookupMessages'
    | 'lookupBytes'
    | 'lookupScan'
    | 'waitSeconds'
    | 'waiting'
    | 'waitingPerToken'
    | 'longPollRecheckMs'
    | 'streamCommentMs'
    | 'streamBytes'
    | 'work'
    | 'requestsPerMinute'
    | 'requestTimeoutMs'
    | 'webPushBytes'
    | 'webPushRequests'
    | 'consoleIdleMs'
    | 'consoleSessionMs'
    | 'consoleSessions'
    | 'signIns'
  >
