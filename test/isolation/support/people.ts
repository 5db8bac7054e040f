/** A victim and those who are after its messages, and how to prove that they got none. */
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import {
  barrier,
  type ConnectOptions,
  connectDevice,
  type Device,
  type Issued,
  issueToken,
  type Scope,
  send,
  type Server,
  type TokenRequest,
} from '../../support/index.ts'

export interface Person {
  readonly issued: Issued
  readonly device: Device
  readonly names: TokenRequest
}

export const ANN = { app: 'chat', device: 'phone-1', account: 'ann', version: '1.0' } as const
/** Not Ann in exactly one respect each. */
export const NEIGHBOURS = {
  'another device': { ...ANN, device: 'phone-2', account: 'bob' },
  'another app on the same device': { ...ANN, app: 'mail', account: 'ann' },
  'the same account on another device': { ...ANN, device: 'tablet-1' },
} as const

/** Issues, connects, and subscribes to the private topic and to the broadcasts of its version. */
export async function join(
  t: Scope,
  server: Server,
  names: TokenRequest,
  options: ConnectOptions = {},
): Promise<Person> {
  const issued = await issueToken(server, names)
  const device = await connectDevice(t, server, issued, { subscribe: true, ...options })
  const broadcast = issued.topics.broadcast
  if (typeof broadcast === 'string') await device.subscribe(broadcast)
  return { issued, device, names }
}

/** The person gets what is sent to it, once, and nothing came to it since it last looked. */
export async function getsItsOwn(t: Test, server: Server, { issued, device }: Person, what = ''): Promise<void> {
  const text = `for ${issued.tokenId} ${randomUUID()}`
  await send(server, { token: issued.tokenId }, text)
  const before: string[] = []
  for (;;) {
    const arrival = await device.next()
    if (arrival.text === text) break
    before.push(arrival.text)
  }
  t.same(withoutMarkers(before), [], `the right one gets its own and nothing else ${what}`)
}

/** Nothing has reached this one since it last looked: in neither of its logs. */
export async function gotNothing(t: Test, server: Server, { device, names }: Person, what = ''): Promise<void> {
  const before = (await barrier(server, device)).map(({ text }) => text)
  if (names.version !== undefined) {
    const marker = await barrier(server, device, { app: names.app, version: names.version })
    before.push(...marker.map(({ text }) => text))
  }
  t.same(withoutMarkers(before), [], `nothing reached the wrong one ${what}`)
}

/** The marker of a broadcast is for everybody with that version, whoever it was sent to look at. */
function withoutMarkers(texts: readonly string[]): string[] {
  return texts.filter((text) => !/^barrier-[0-9a-f-]{36}$/.test(text))
}
