/** The outgoing bridges of a configuration, which may change at run time. */
import type { Duplex } from 'node:stream'
import type { Logger, Push, User, Users } from '../../index.ts'
import type { BridgeOptions } from '../conf/bridge-options.ts'
import { Bridge } from './bridge.ts'

export interface BridgesOptions {
  readonly push: Pick<Push, 'handle' | 'lease'>
  readonly bridges: readonly BridgeOptions[]
  readonly logger: Logger
  /** Milliseconds of a monotonic clock. */
  readonly monotonic?: () => number
  /** 0 to 1. */
  readonly random?: () => number
}

export interface Bridges {
  /** Those that are not among them end, and new ones begin; what is different counts as its `reloadType` says. */
  reload(bridges: readonly BridgeOptions[]): void
  /** Before the server closes, so that both brokers hear that the bridges are away. */
  close(): Promise<void>
}

/** They connect by themselves, and nothing that the other brokers do ends them. */
export function startBridges(options: BridgesOptions): Bridges {
  const { push, logger, monotonic = () => performance.now(), random = Math.random } = options
  const serve = (stream: Duplex, username: string) => push.handle(stream, undefined, { users: trusted(username) })
  const running = new Map<string, Bridge>()
  const ending = new Set<Promise<void>>()

  function begin(bridge: BridgeOptions): void {
    const lease = push.lease(`bridge/${bridge.name}`)
    running.set(bridge.name, new Bridge({ serve, lease, logger, monotonic, random }, bridge))
  }

  function end(name: string, bridge: Bridge): void {
    running.delete(name)
    const ended = bridge
      .close()
      .catch((error: unknown) => logger.warn({ bridge: name, err: error }, 'could not stop a bridge'))
      .then(() => void ending.delete(ended))
    ending.add(ended)
  }

  for (const bridge of options.bridges) begin(bridge)
  return {
    reload(bridges) {
      const wanted = new Map(bridges.map((bridge) => [bridge.name, bridge]))
      for (const [name, bridge] of running) if (!wanted.has(name)) end(name, bridge)
      for (const [name, bridge] of wanted) {
        const present = running.get(name)
        if (present === undefined) begin(bridge)
        else present.change(bridge)
      }
    },
    async close() {
      for (const [name, bridge] of running) end(name, bridge)
      await Promise.all(ending)
    },
  }
}

/** Who connects here is a bridge of ours. As Mosquitto has it, no access rules bind it. */
function trusted(username: string): Users {
  const user: User = {
    kind: 'user',
    name: username,
    mayPublish: () => true,
    maySubscribe: (_filter, qos) => qos,
  }
  return { sessionsByClientId: true, authenticate: async () => user, find: () => user }
}
