/** The will of a provider: a message to devices, when its connection is gone. */
import { ALL_SCOPES, type Provider } from '../../topics/index.ts'
import type { Will } from '../codec/packets.ts'
import type { ProviderNode } from './provider-node.ts'
import { decodeWill, encodeWill } from './stored-will.ts'

interface WillOwner {
  readonly name: string
  readonly apps: 'all' | readonly string[]
}

export function encodeProviderWill({ name, apps }: Provider, will: Will): Uint8Array {
  return encodeWill<WillOwner>({ name, apps: apps === 'all' ? apps : [...apps] }, will)
}

/** @throws STORE_UNAVAILABLE, and what refuses a message */
export async function publishStoredProviderWill(node: ProviderNode, value: Uint8Array): Promise<void> {
  const { of, will } = decodeWill<WillOwner>(value)
  const { name, apps } = of
  // It was allowed to when it left the will.
  const scopes = ALL_SCOPES
  const provider: Provider = { kind: 'provider', name, apps: apps === 'all' ? apps : new Set(apps), scopes }
  await publishProviderWill(node, provider, will)
}

/** [MQTT-3.1.2-8] after any end but a DISCONNECT. @throws STORE_UNAVAILABLE, and what refuses a message */
export async function publishProviderWill(node: ProviderNode, provider: Provider, will: Will): Promise<void> {
  if (!node.mayPublish(provider)) {
    const code = 'PUBLISH_RATE_EXCEEDED'
    node.metrics.rejected.inc({ code })
    return node.logger.info({ code }, 'will refused')
  }
  await node.accept(provider, { ...will, properties: will.properties ?? {} })
}
