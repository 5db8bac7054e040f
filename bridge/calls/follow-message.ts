/** Status and recall: the calls behind `/v1/messages/{id}/status` and `/recall`. */
import type { Audit } from '../../common/audit.ts'
import { PushError } from '../../errors.ts'
import type { MessageState, MessageStatus, Store } from '../../store/contract.ts'
import type { Device } from '../../topics/index.ts'
import type { HttpLimits } from '../limits.ts'
import { codeForOne, eachInTurn, type Publisher, type Receiver, type Rejected } from '../publisher.ts'
import { recipientsOf } from '../recipients.ts'
import { messageIdSchema } from '../schemas.ts'
import type { RequestWork } from '../work.ts'
import { nameOfProvider, type Caller } from './call.ts'
import { toSchema, type SendTarget } from './send-message.ts'

export const messageIdParams = {
  type: 'object',
  additionalProperties: false,
  required: ['id'],
  properties: { id: messageIdSchema('Of the message; encode it as any part of a path') },
}

/** Exactly one of both. */
export const statusQuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    token: { type: 'string', description: 'A message token or a token id', examples: ['kHqJ2mXv0pR7tYw3nZs5cA'] },
    app: { type: 'string', description: 'The app of a broadcast', examples: ['chat'] },
  },
  oneOf: [{ required: ['token'] }, { required: ['app'] }],
}

/** `to` as in a send, or with the app of a broadcast alone. */
export function followSchema(limits: HttpLimits) {
  const { oneOf, examples } = toSchema(limits)
  const broadcast = {
    title: 'A broadcast',
    description: 'Identified by its app',
    type: 'object',
    additionalProperties: false,
    required: ['app'],
    properties: { app: { type: 'string', examples: ['chat'] } },
  }
  return {
    type: 'object',
    additionalProperties: false,
    required: ['to'],
    properties: { to: { oneOf: [...oneOf, broadcast], examples: [...examples, { app: 'chat' }] } },
  }
}

export interface FollowContext {
  readonly store: Pick<Store, 'messageStatus' | 'broadcastStatus' | 'recall' | 'recallBroadcast' | 'lookupToken'>
  readonly publisher: Publisher
  readonly verify: (token: string) => Device
  readonly work: RequestWork
  readonly audit: Audit
}

interface Times {
  /** ISO 8601 in UTC. */
  readonly storedAt: string
  readonly expiresAt: string
}

export interface ReceiverStatus extends Times {
  /** As the request named it; for an account a token id. */
  readonly token: string
  readonly state: MessageState
}

export interface BroadcastStatus extends Times {
  readonly app: string
  readonly state: MessageState
  /** Devices that acknowledged it. */
  readonly acknowledged: number
  /** Devices to which it was sent with QoS 0. */
  readonly sent: number
  /** Counted in memory, and written once a second. */
  readonly approximate: true
}

export interface StatusAnswer {
  readonly id: string
  readonly states: readonly (ReceiverStatus | BroadcastStatus)[]
  readonly rejected: readonly Rejected[]
}

export interface ReceiverRecall {
  readonly token: string
  /** `recalled`, or what it ended as before. */
  readonly state: MessageState
  /** False only where it is certain that the device has not got it. */
  readonly mayHaveBeenSeen: boolean
}

export interface BroadcastRecall extends Omit<ReceiverRecall, 'token'> {
  readonly app: string
}

export interface RecallAnswer {
  readonly id: string
  readonly states: readonly (ReceiverRecall | BroadcastRecall)[]
  readonly rejected: readonly Rejected[]
}

/** A broadcast is known by its app alone. */
export type FollowTarget = SendTarget

/** @throws MESSAGE_UNKNOWN where there is one receiver, and what names receivers wrongly */
export type MessageStatusOf = (id: string, to: FollowTarget, caller: Caller) => Promise<StatusAnswer>
/** @throws as `MessageStatusOf` */
export type RecallMessage = (id: string, to: FollowTarget, caller: Caller) => Promise<RecallAnswer>

export function createMessageStatus(context: FollowContext): MessageStatusOf {
  const { store } = context
  return async (id, to, caller) => {
    const found = await each(context, to, caller, {
      async broadcast(app) {
        const known = await store.broadcastStatus(app, id)
        if (known === undefined) return undefined
        const { state, acknowledged, sent } = known
        return { app, state, ...timesOf(known), acknowledged, sent, approximate: true as const }
      },
      async device(token, tokenId) {
        const known = await store.messageStatus(tokenId, id)
        return known && { token, state: known.state, ...timesOf(known) }
      },
    })
    return { id, ...found }
  }
}

export function createRecall(context: FollowContext): RecallMessage {
  const { store, audit } = context
  return async (id, to, caller) => {
    const found = await each(context, to, caller, {
      async broadcast(app) {
        const known = await store.recallBroadcast(app, id)
        return known && { app, state: known.state, mayHaveBeenSeen: known.mayHaveBeenSeen }
      },
      async device(token, tokenId) {
        const known = await store.recall(tokenId, id)
        return known && { token, state: known.state, mayHaveBeenSeen: known.mayHaveBeenSeen }
      },
    })
    audit({ action: 'message.recalled', by: nameOfProvider(caller.provider), app: to.app, id })
    return { id, ...found }
  }
}

interface Looks<B, D> {
  /** Undefined: not known there. */
  broadcast(app: string): Promise<B | undefined>
  device(token: string, tokenId: string): Promise<D | undefined>
}

interface Found<T> {
  readonly states: T[]
  readonly rejected: Rejected[]
}

/** `to` as in a send, or a broadcast by its app alone. */
async function each<B, D>(
  context: FollowContext,
  to: FollowTarget,
  { provider }: Caller,
  looks: Looks<B, D>,
): Promise<Found<B | D>> {
  const { publisher, verify, work } = context
  const isByApp = to.token === undefined && to.tokens === undefined && to.account === undefined
  const names = isByApp && to.version === undefined && to.versions === undefined ? { ...to, versions: '*' } : to
  const recipients = await recipientsOf(names, { provider, publisher, verify, work })
  if (recipients.kind === 'broadcast') {
    const state = await looks.broadcast(recipients.destination.app)
    if (state === undefined) throw new PushError('MESSAGE_UNKNOWN')
    return { states: [state], rejected: [] }
  }
  const receivers =
    recipients.kind === 'private'
      ? recipients.receivers
      : (await publisher.devicesOf(recipients.app, recipients.account)).map(receiverOf)
  const rejected = recipients.kind === 'private' ? [...recipients.rejected] : []
  const isOne = receivers.length + rejected.length === 1
  const [refused] = rejected
  if (isOne && refused !== undefined) throw new PushError(refused.code)
  const settled = await eachInTurn(
    receivers,
    () => work.receiver(provider),
    (receiver) => look(context, receiver, looks),
  )
  const states: D[] = []
  for (const [position, result] of settled.entries()) {
    if (result.status === 'fulfilled') states.push(result.value)
    else if (isOne) throw result.reason
    else rejected.push({ token: receivers[position]?.token ?? '', code: codeForOne(result.reason) })
  }
  return { states, rejected }
}

function receiverOf(tokenId: string): Receiver {
  return { token: tokenId, destination: { kind: 'private', tokenId, app: undefined } }
}

async function look<D>({ store }: FollowContext, receiver: Receiver, looks: Looks<unknown, D>): Promise<D> {
  const { tokenId, app } = receiver.destination
  // What belongs to another app is nothing that this provider may ask for.
  if (app !== undefined && (await store.lookupToken(tokenId))?.app !== app) throw new PushError('TOKEN_UNKNOWN')
  const state = await looks.device(receiver.token, tokenId)
  if (state === undefined) throw new PushError('MESSAGE_UNKNOWN')
  return state
}

function timesOf({ storedAt, expiresAt }: Pick<MessageStatus, 'storedAt' | 'expiresAt'>): Times {
  return { storedAt: new Date(storedAt).toISOString(), expiresAt: new Date(expiresAt).toISOString() }
}
