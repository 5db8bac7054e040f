/** A process with a server and a bridge, for tests that kill it: `node bridged.js <options as JSON>`; it says its port. */
import { pino } from 'pino'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createPush } from '../../../../index.ts'
import { type BridgeOptions, startBridges } from '../../../../mosquitto-compat/index.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as {
  readonly port: number
  readonly bridges: readonly BridgeOptions[]
  readonly push: { readonly dataDir: string; readonly redisUrl?: string }
}
const logger = pino({ level: process.env.PUSH_LOG_LEVEL ?? 'silent' }, pino.destination(2))
const user = { kind: 'user', mayPublish: () => true, maySubscribe: (_: string, qos: 0 | 1 | 2) => qos } as const
const push = await createPush({
  providers: [],
  users: { sessionsByClientId: true, authenticate: async ({ username }) => ({ ...user, name: username }) },
  logger,
  ...options.push,
})
const listener = createServer((socket) => push.handle(socket))
listener.listen(options.port, '127.0.0.1')
await once(listener, 'listening')
const bridges = startBridges({ push, bridges: options.bridges, logger })
process.stdout.write(`ready ${(listener.address() as AddressInfo).port}\n`)
process.once('SIGTERM', () => {
  const end = async () => {
    await bridges.close()
    await push.close()
    process.exit(0)
  }
  void end()
})
