/** Users of the embedder's who share a subscription. */
import { connect, type ConnectOptions, type Device, type Scope } from '../../support/index.ts'
import { JOE, type Embedded } from './embed.ts'

export async function member(t: Scope, embedded: Embedded, filter: string, how: ConnectOptions = {}): Promise<Device> {
  const user = await connect(t, embedded, JOE, how)
  const codes = await user.subscribe(filter)
  if (codes[0] !== 1) throw new Error(`refused with ${codes[0]}`)
  return user
}

/** What several have received in all, sorted. */
export function received(members: readonly Device[]): string[] {
  return members.flatMap((each) => each.received.map(({ text }) => text)).sort()
}
