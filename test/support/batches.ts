/** Messages in batches of one shape, so that what they cost can be compared from one version to the next. */
import { readFileSync } from 'node:fs'
import { generate } from 'mqtt-packet'
import { type Issued, issueToken } from './api.ts'
import { connectRaw, type RawClient } from './raw-mqtt.ts'
import type { Scope } from './scope.ts'
import type { Server } from './server.ts'

export interface BatchWorld {
  readonly devices: readonly RawClient[]
  readonly issued: readonly Issued[]
  /** One write with a PUBLISH to each of these topics; resolves when every device has got and acknowledged its part. */
  send(topics: readonly string[], arrivals: number): Promise<void>
}

const VERSION = '1.0.0'

/** Connected devices of one app, subscribed to both of their topics, and a provider. */
export async function batchWorld(t: Scope, server: Server, count: number): Promise<BatchWorld> {
  const issued: Issued[] = []
  const devices: RawClient[] = []
  for (let number = 0; number < count; number += 1) {
    const token = await issueToken(server, { app: 'shop', device: `device-${number}`, version: VERSION })
    const device = await connectRaw(t, server.mqttPort)
    await device.connect({ token: token.token })
    await device.subscribe([token.topics.private, token.topics.broadcast ?? ''])
    issued.push(token)
    devices.push(device)
  }
  const provider = await connectRaw(t, server.mqttPort)
  await provider.connect({ username: 'provider', password: Buffer.from(server.providerKey) })

  /** Takes and acknowledges until nothing is missing; says how many came. */
  async function take(device: RawClient, arrivals: number): Promise<void> {
    const ids: number[] = []
    while (ids.length < arrivals) ids.push((await device.next('publish')).messageId ?? 0)
    device.sendBytes(Buffer.concat(ids.map((messageId) => generate({ cmd: 'puback', messageId }))))
    await device.ping()
  }

  return {
    devices,
    issued,
    async send(topics, arrivals) {
      const payload = Buffer.alloc(64, 'x')
      const packets = topics.map((topic, at) => generate({ ...PUBLISH, topic, payload, messageId: at + 1 }))
      provider.sendBytes(Buffer.concat(packets))
      await Promise.all(devices.map((device) => take(device, arrivals)))
      for (const _ of topics) await provider.next('puback')
    },
  }
}

const PUBLISH = { cmd: 'publish', qos: 1, dup: false, retain: false } as const

/** System calls of a process that wrote something, so far: to sockets and to files. */
export function writeCallsOf(pid: number): number {
  return Number(/^syscw: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}
