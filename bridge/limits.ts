/** What HTTP allows. */
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
    | 'providerUnderWay'
    | 'lookupMessages'
    | 'lookupBytes'
    | 'lookupScan'
    | 'waitSeconds'
    | 'waiting'
    | 'waitingPerToken'
    | 'longPollRecheckMs'
    | 'work'
    | 'requestsPerMinute'
    | 'requestTimeoutMs'
    | 'consoleIdleMs'
    | 'consoleSessionMs'
    | 'consoleSessions'
    | 'signIns'
  >
