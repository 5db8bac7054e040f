/** The will of a provider: a message to devices after its connection is lost. */
import { PushError, type ErrorCode } from '../../errors.ts'
import { ALL_SCOPES, type Provider } from '../../topics/index.ts'
import type { Will } from '../codec/packets.ts'
import { isBridgeState } from './bridge-state.ts'
import type { ProviderNode } from './provider-node.ts'
import { decodeWill, encodeWill } from './stored-will.ts'

interface WillOwner {
  readonly name: string
  readonly apps: 'all' | readonly string[]
  /** Key id of a key of the store: it is published with what that may do then. */
  readonly keyId?: string
}

export function encodeProviderWill({ name, apps, keyId }: Provider, will: Will): Uint8Array {
  const owner = { name, apps: apps === 'all' ? apps : [...apps] }
  return encodeWill<WillOwner>(keyId === undefined ? owner : { ...owner, keyId }, will)
}

/** @throws STORE_UNAVAILABLE, and what refuses a message */
export async function publishStoredProviderWill(node: ProviderNode, value: Uint8Array): Promise<void> {
  const { of, will } = decodeWill<WillOwner>(value)
  const provider = of.keyId === undefined ? configured(of) : node.auth.providerWithKey(of.keyId)
  if (provider === undefined) return refused(node, 'KEY_REVOKED')
  await publishProviderWill(node, provider, will)
}

/** It was allowed to when it left the will. */
function configured({ name, apps }: WillOwner): Provider {
  return { kind: 'provider', name, apps: apps === 'all' ? apps : new Set(apps), scopes: ALL_SCOPES }
}

/** [MQTT-3.1.2-8] after any end but a DISCONNECT. @throws STORE_UNAVAILABLE, and what refuses a message */
export async function publishProviderWill(node: ProviderNode, provider: Provider, will: Will): Promise<void> {
  if (!node.mayPublish(provider)) return refused(node, 'PUBLISH_RATE_EXCEEDED')
  if (isBridgeState(will.topic)) return await node.publishState('', will)
  try {
    await node.quotas.take(provider, 1)
  } catch (error) {
    if (!(error instanceof PushError) || error.code !== 'QUOTA_EXCEEDED') throw error
    return refused(node, error.code)
  }
  try {
    await node.accept(provider, { ...will, properties: will.properties ?? {} })
  } catch (error) {
    if (!(error instanceof PushError) || !OF_THE_KEY.has(error.code)) throw error
    node.logger.info({ code: error.code }, 'will refused')
  }
}

/** It could do this when the connection began. */
const OF_THE_KEY: ReadonlySet<ErrorCode> = new Set(['KEY_REVOKED', 'SCOPE_MISSING', 'TOPIC_FORBIDDEN'])

function refused({ metrics, logger }: ProviderNode, code: ErrorCode): void {
  metrics.rejected.inc({ code })
  logger.info({ code }, 'will refused')
}
