/** A sender by itself, whose names lead where the test says. */
import { parseNetworks } from '../../../../common/networks.ts'
import type { Found } from '../../../../bridge/webhooks/connect.ts'
import { type Outcome, Sender, type SenderOptions } from '../../../../bridge/webhooks/sender.ts'
import type { Scope } from '../../../support/index.ts'

export const found = (...addresses: readonly string[]): Found[] =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

export function makeSender(t: Scope, options: Partial<SenderOptions> & { readonly networks?: string } = {}) {
  const { networks = '127.0.0.1', ...rest } = options
  const sender = new Sender({
    rules: { networks: parseNetworks(networks), httpHosts: ['hooks.test', '127.0.0.1', '127.0.0.2', '[::1]'] },
    find: async () => found('127.0.0.1'),
    timeoutMs: 5_000,
    userAgent: 'test',
    now: Date.now,
    ...rest,
  })
  t.teardown(() => sender.close())
  return (url: string, signal: AbortSignal = new AbortController().signal): Promise<Outcome> =>
    sender.send({ url, headers: { 'webhook-id': 'msg_1' }, body: Buffer.from('{"type":"x","data":{}}') }, signal)
}
