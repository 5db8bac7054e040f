/** What the delivery tests say in one word each. */
import { Agent } from 'node:http'
import {
  type ApiTarget,
  type Arrival,
  type Destination,
  type Issued,
  type Scope,
  type SendOptions,
  eventually,
  issueToken,
  lookup,
  send,
} from '../../support/index.ts'

/** `m-1` to `m-<count>`, or from another number on. */
export function numbered(count: number, from = 1, name = 'm'): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${from + index}`)
}

export function texts(arrivals: readonly Arrival[]): string[] {
  return arrivals.map(({ text }) => text)
}

/** Sends one after the other, each after the 202 of the one before. */
export async function sendEach(
  t: Scope,
  target: ApiTarget,
  to: Destination,
  payloads: readonly string[],
  options: SendOptions = {},
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  for (const payload of payloads) await send(target, to, payload, { ...options, agent })
}

/** Until the server knows that this many messages (at most 100), and no more, wait for the device. */
export async function untilPending(target: ApiTarget, issued: Issued, count: number): Promise<void> {
  await eventually(`${count} pending messages`, async () => {
    const { messages, more } = await lookup(target, issued.token, { limit: 100 })
    return messages.length === count && !more
  })
}

/** Until everything sent so far was acknowledged by the device, or has expired. */
export function untilNothingIsPending(target: ApiTarget, issued: Issued): Promise<void> {
  return untilPending(target, issued, 0)
}

/** An event that comes when this many seconds have passed on the server's clock: a message of that lifetime expires. */
export async function untilSecondsPassed(target: ApiTarget, seconds: number): Promise<void> {
  const clock = await issueToken(target, { app: 'clock', device: 'clock', account: `after ${seconds} s` })
  await send(target, { token: clock.tokenId }, 'tick', { ttl: seconds })
  await untilNothingIsPending(target, clock)
}

/** A user property of an MQTT 5 message. */
export function userProperty({ properties }: Arrival, name: string): string | string[] | undefined {
  return (properties.userProperties as Record<string, string | string[]> | undefined)?.[name]
}
