/** A server in this process where anybody is a user, with bridges. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { pino } from 'pino'
import { createPush, type Push, type PushOptions } from '../../../../index.ts'
import {
  bridgeDefaults,
  type BridgeOptions,
  type Bridges,
  dependentDefaults,
  startBridges,
} from '../../../../mosquitto-compat/index.ts'
import { type Scope, temporaryFolder } from '../../../support/index.ts'

export interface Bridged {
  readonly mqttPort: number
  readonly push: Push
  readonly bridges: Bridges
  /** Lines of its log. */
  readonly log: readonly string[]
  /** As a server ends. */
  close(): Promise<void>
}

export interface ServeOptions {
  readonly dataDir?: string
  readonly redisUrl?: string
  readonly bridges?: readonly BridgeOptions[]
  readonly push?: Partial<PushOptions>
}

export async function serve(t: Scope, options: ServeOptions = {}): Promise<Bridged> {
  const log: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void log.push(line) })
  const user = { kind: 'user', mayPublish: () => true, maySubscribe: (_: string, qos: 0 | 1 | 2) => qos } as const
  const push = await createPush({
    providers: [],
    users: { sessionsByClientId: true, authenticate: async ({ username }) => ({ ...user, name: username }) },
    logger,
    ...(options.redisUrl === undefined
      ? { dataDir: options.dataDir ?? temporaryFolder(t, 'bridge') }
      : { redisUrl: options.redisUrl }),
    ...options.push,
  })
  const sockets = new Set<Socket>()
  const listener = createServer((socket) => {
    sockets.add(socket)
    push.handle(socket)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const bridges = startBridges({ push, bridges: options.bridges ?? [], logger })
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      listener.close()
      await bridges.close()
      await push.close()
      for (const socket of sockets) socket.destroy()
    })()
    return closing
  }
  t.teardown(close)
  return { mqttPort: (listener.address() as AddressInfo).port, push, bridges, log, close }
}

/** A bridge as a `connection` block with these lines would have it, that connects again soon. */
export function bridgeTo(port: number, options: Partial<BridgeOptions> = {}): BridgeOptions {
  const all = { ...bridgeDefaults(options.name ?? 'sample', 'here'), ...options }
  return {
    name: 'sample',
    addresses: [{ host: '127.0.0.1', port }],
    topics: [],
    ...dependentDefaults(all),
    ...all,
    restart: options.restart ?? { base: 0.1, stable: 0 },
  }
}

/** `topic <pattern> <direction> <qos> <local prefix> <remote prefix>` */
export function topic(
  pattern: string,
  direction: 'in' | 'out' | 'both' = 'out',
  qos: 0 | 1 | 2 = 0,
  localPrefix = '',
  remotePrefix = '',
) {
  return { pattern, direction, qos, localPrefix, remotePrefix }
}
