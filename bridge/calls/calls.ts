/** All calls of a provider, made once: the routes answer with them, and so does the program that embeds us. */
import type { Auth } from '../../auth/contract.ts'
import type { Audit } from '../../common/audit.ts'
import type { RateByKey } from '../../common/rates.ts'
import type { Revocations } from '../../store/revocations.ts'
import type { Store } from '../../store/contract.ts'
import { createKeyCalls, type KeyCalls, type KeysContext } from '../keys/calls.ts'
import type { TokenLimits } from '../limits.ts'
import type { LongPolls } from '../long-polls.ts'
import type { Endpoints } from '../web-push/capabilities.ts'
import type { Accounts } from './accounts.ts'
import { Enrolments } from './enrolments.ts'
import { createMessageStatus, createRecall, type MessageStatusOf, type RecallMessage } from './follow-message.ts'
import { createIssueToken, type IssueToken } from './issue-token.ts'
import { createListTokens, type ListTokens } from './list-tokens.ts'
import {
  createLogOut,
  createRevokeAll,
  createRevokeToken,
  type LogOut,
  type RevokeAll,
  type RevokeToken,
} from './revoke-token.ts'
import type { WebhookCalls } from '../webhooks/calls.ts'
import type { TokenEvents } from './token-events.ts'
import { createSendMessage, type SendContext, type SendMessage } from './send-message.ts'

interface CallsContext extends Omit<SendContext, 'verify'> {
  readonly auth: Auth
  readonly store: Store
  readonly revocations: Pick<Revocations, 'fresh' | 'refresh' | 'check' | 'isRevoked' | 'epochsOf' | 'revoke'>
  readonly accounts: Accounts
  /** Absent: there is no Web Push. */
  readonly endpoints: Endpoints | undefined
  readonly longPolls: LongPolls
  readonly rate: Pick<RateByKey, 'take'>
  readonly keys: KeysContext['keys']
  readonly audit: Audit
  readonly webhooks: WebhookCalls
  readonly tokenEvents: TokenEvents
  readonly limits: SendContext['limits'] & TokenLimits & KeysContext['limits']
}

export interface Calls extends KeyCalls, WebhookCalls {
  readonly send: SendMessage
  readonly issueToken: IssueToken
  readonly revokeToken: RevokeToken
  readonly revokeAll: RevokeAll
  readonly logOut: LogOut
  readonly listTokens: ListTokens
  readonly messageStatus: MessageStatusOf
  readonly recallMessage: RecallMessage
  readonly enrolments: Pick<Enrolments, 'create' | 'list' | 'delete'>
  /** Resolves when those that are under way have ended. */
  settled(): Promise<void>
}

export function createCalls(context: CallsContext): Calls {
  const { auth, store, revocations, webhooks, now } = context
  const accountMarkOf = (app: string, account: string) => auth.accountMarkOf(app, account)
  const enrolments = new Enrolments({ store, revocations, accountMarkOf, audit: context.audit, now })
  const underWay = new CallsUnderWay()
  const tracked =
    <A extends unknown[], T>(call: (...given: A) => Promise<T>) =>
    (...given: A): Promise<T> => {
      const result = call(...given)
      underWay.add(result)
      return result
    }
  const following = { ...context, verify: (token: string) => auth.verify(token) }
  const keyCalls = createKeyCalls(context)
  return {
    createKey: tracked(keyCalls.createKey),
    listKeys: tracked(keyCalls.listKeys),
    findKey: tracked(keyCalls.findKey),
    changeKey: tracked(keyCalls.changeKey),
    rotateKey: tracked(keyCalls.rotateKey),
    deleteKey: tracked(keyCalls.deleteKey),
    createWebhook: tracked(webhooks.createWebhook),
    listWebhooks: tracked(webhooks.listWebhooks),
    findWebhook: tracked(webhooks.findWebhook),
    changeWebhook: tracked(webhooks.changeWebhook),
    rotateWebhookSecret: tracked(webhooks.rotateWebhookSecret),
    deleteWebhook: tracked(webhooks.deleteWebhook),
    testWebhook: tracked(webhooks.testWebhook),
    enableWebhook: tracked(webhooks.enableWebhook),
    replayWebhook: tracked(webhooks.replayWebhook),
    send: tracked(createSendMessage(following)),
    issueToken: tracked(createIssueToken({ ...context, enrolments })),
    revokeToken: tracked(createRevokeToken(context)),
    revokeAll: tracked(createRevokeAll(context)),
    logOut: tracked(createLogOut(context)),
    listTokens: tracked(createListTokens(context)),
    messageStatus: tracked(createMessageStatus(following)),
    recallMessage: tracked(createRecall(following)),
    enrolments: {
      create: tracked((body, provider) => enrolments.create(body, provider)),
      list: tracked((query, provider) => enrolments.list(query, provider)),
      delete: tracked((id, provider) => enrolments.delete(id, provider)),
    },
    settled: () => underWay.settled(),
  }
}

/** Counted, and not kept: a set of promises costs each call as much as its checks do. */
class CallsUnderWay {
  #count = 0
  readonly #waiting: (() => void)[] = []
  readonly #over = (): void => {
    this.#count -= 1
    if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  add(call: Promise<unknown>): void {
    this.#count += 1
    call.then(this.#over, this.#over)
  }

  /** Also waits for those that begin before none is under way. */
  settled(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => void this.#waiting.push(resolve))
  }
}
