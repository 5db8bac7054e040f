/** Devices with tags, and what is sent to some of them. */
import { randomUUID } from 'node:crypto'
import type { TagSelector } from '../../../topics/index.ts'
import {
  type ApiTarget,
  type ConnectOptions,
  connectDevice,
  type Device,
  type Issued,
  issueToken,
  type MqttTarget,
  type Scope,
  send,
  type SendOptions,
} from '../../support/index.ts'

export const APP = 'chat'

/** A token of a device, which has these tags from now on. */
export function issueTagged(
  server: ApiTarget,
  device: string,
  tags: readonly string[],
  version = '1.0',
): Promise<Issued> {
  return issueToken(server, { app: APP, device, version, tags })
}

/** A broadcast to those of these versions whose tags fit. */
export async function broadcast(
  server: ApiTarget,
  text: string,
  tags?: TagSelector,
  { versions = '*', ...options }: SendOptions & { readonly versions?: string } = {},
): Promise<void> {
  await send(server, { app: APP, versions, ...(tags === undefined ? {} : { tags }) }, text, options)
}

/** Connects, and subscribes to the private topic, where barriers come, and to the broadcasts of a version. */
export async function connectTagged(
  t: Scope,
  server: MqttTarget,
  issued: Issued,
  options: ConnectOptions = {},
): Promise<Device> {
  const device = await connectDevice(t, server, issued, { subscribe: true, ...options })
  await device.subscribe(`${APP}/1.0`)
  return device
}

/** A session that outlives its connection. */
export const KEPT = { clean: false, clientId: 'kept', properties: { sessionExpiryInterval: 3600 } } as const

/** What came before a broadcast for everybody that is sent now. */
export async function broadcastsSoFar(server: ApiTarget, device: Device): Promise<string[]> {
  const marker = `marker ${randomUUID()}`
  await broadcast(server, marker)
  const before: string[] = []
  for (;;) {
    const { text } = await device.next()
    if (text === marker) return before
    if (!text.startsWith('marker ')) before.push(text)
  }
}
