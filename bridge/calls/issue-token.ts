/** A message token for one (app, device, account): the call behind `POST /v1/tokens`. */
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
import type { TokenLimits } from '../limits.ts'
import type { LongPolls } from '../long-polls.ts'
import { NAME } from '../schemas.ts'
import type { Caller } from './call.ts'

interface IssueContext {
  readonly auth: Auth
  readonly store: Store
  readonly longPolls: LongPolls
  readonly limits: TokenLimits
  readonly now: () => number
}

export interface TokenAnswer {
  /** The message token, a JWT: the MQTT password, and the Bearer token of a device. */
  readonly token: string
  /** Stable name of the (app, device, account). */
  readonly tokenId: string
  /** When the token ends, ISO 8601 in UTC. */
  readonly expiresAt: string
  readonly topics: {
    /** What is for this token alone. */
    readonly private: string
    /** What is for every device with this version; null without a version. */
    readonly broadcast: string | null
  }
}

/** A value that `tokenSchema` takes. */
export interface TokenBody {
  readonly app: string
  readonly device: string
  readonly account?: string
  readonly version?: string
  readonly ttl?: number
}

/**
 * `body` has the shape of `tokenSchema`.
 * @throws NAME_INVALID, VERSION_INVALID, APP_FORBIDDEN, STORE_UNAVAILABLE
 */
export type IssueToken = (body: TokenBody, caller: Pick<Caller, 'provider'>) => Promise<TokenAnswer>

export function createIssueToken({ auth, store, longPolls, limits, now }: IssueContext): IssueToken {
  return async (body, { provider }) => {
    const { app, device, account = '', version, ttl = limits.defaultTokenTtl } = body
    checkNames(body)
    if (!mayActFor(provider, app)) throw new PushError('APP_FORBIDDEN')
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
    return {
      token: issued.token,
      tokenId,
      expiresAt: new Date(issued.expiresAt).toISOString(),
      topics: {
        private: privateTopic(app, tokenId),
        broadcast: version === undefined ? null : broadcastTopic(app, version),
      },
    }
  }
}

function checkNames({ app, device, account, version }: TokenBody): void {
  if (!isAppName(app)) throw new PushError('NAME_INVALID', '`app`; an app has no `%` either')
  if (!isName(device)) throw new PushError('NAME_INVALID', '`device`')
  if (account !== undefined && account !== '' && !isName(account)) throw new PushError('NAME_INVALID', '`account`')
  if (version !== undefined && !isVersion(version)) throw new PushError('VERSION_INVALID', '`version`')
}

export function tokenSchema({ defaultTokenTtl, maximumTokenTtl }: TokenLimits) {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['app', 'device'],
    properties: {
      app: { type: 'string', description: `${NAME}, nor \`%\``, examples: ['chat'] },
      device: { type: 'string', description: NAME, examples: ['phone-17'] },
      account: { type: 'string', description: `${NAME}; absent or empty: not logged in`, examples: ['ann'] },
      version: { type: 'string', description: 'Of the app on this device', examples: ['2.1.0'] },
      ttl: {
        type: 'integer',
        minimum: 1,
        maximum: maximumTokenTtl,
        description: `Life of the token, seconds; ${defaultTokenTtl} when absent`,
        examples: [86_400],
      },
    },
  }
}
