/** A remote bridge on a real port, and brokers for it to publish into. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type IConnectPacket, type IPublishPacket, type Packet, generate, parser } from 'mqtt-packet'
import { pino } from 'pino'
import type { Auth } from '../../../auth/contract.ts'
import { openAuth } from '../../../auth/index.ts'
import { createRemoteBridge } from '../../../bridge/remote.ts'
import type { UpstreamOptions } from '../../../bridge/remote-connection.ts'
import { createMetrics } from '../../../common/metrics.ts'
import { DEFAULT_LIMITS } from '../../../common/limits.ts'
import { request } from '../../support/api.ts'
import type { Scope } from '../../support/scope.ts'
import { eventually } from '../../support/waiting.ts'
import { PROVIDER_KEY } from './serve.ts'

export interface RemoteOptions extends Partial<Omit<UpstreamOptions, 'url'>> {
  readonly brokerPort: number
  /** In the URL. */
  readonly credentials?: string
  /** Message tokens are verified with these keys. */
  readonly verify?: Auth['verify']
  /** Do not wait for the connection. */
  readonly offline?: boolean
}

export interface ServedRemote {
  readonly httpPort: number
  readonly providerKey: string
  readonly app: ReturnType<typeof createRemoteBridge>
  readonly logs: string[]
}

export async function authOf(): Promise<Auth> {
  const secrets = { secret: async (_name: string, create: () => string) => create() }
  return openAuth({ secrets, providers: [{ name: 'all', key: PROVIDER_KEY }] })
}

export async function serveRemote(t: Scope, options: RemoteOptions): Promise<ServedRemote> {
  const { brokerPort, credentials, verify, offline = false, ...upstream } = options
  const auth = await authOf()
  const logs: string[] = []
  const app = createRemoteBridge({
    version: '0.0.0',
    auth: { provider: auth.provider, providerShown: auth.providerShown, ...(verify === undefined ? {} : { verify }) },
    upstream: {
      url: `mqtt://${credentials === undefined ? '' : `${credentials}@`}127.0.0.1:${brokerPort}`,
      timeoutMs: 10_000,
      reconnectMs: 20,
      window: 1_000,
      ...upstream,
    },
    metrics: createMetrics(),
    limits: DEFAULT_LIMITS,
    logger: pino({ level: 'trace' }, { write: (line: string) => void logs.push(line) }),
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port: httpPort } = app.server.address() as AddressInfo
  const remote = { httpPort, providerKey: PROVIDER_KEY, app, logs }
  if (!offline) await connected(remote)
  return remote
}

export async function connected(remote: ServedRemote): Promise<void> {
  await eventually('the connection', async () => (await request(remote, 'GET', '/readyz')).status === 200)
}

export interface ScriptedConnection {
  readonly socket: Socket
  readonly connect: IConnectPacket
  send(packet: Packet): void
}

export interface ScriptedBroker {
  readonly port: number
  readonly published: IPublishPacket[]
  readonly connections: ScriptedConnection[]
}

/** A broker that accepts every connection, and does with a PUBLISH what the test says. */
export async function scriptedBroker(
  t: Scope,
  onPublish: (packet: IPublishPacket, connection: ScriptedConnection) => void,
  connack: Record<string, unknown> = {},
): Promise<ScriptedBroker> {
  const published: IPublishPacket[] = []
  const connections: ScriptedConnection[] = []
  const server = createServer((socket) => {
    const parse = parser()
    let protocolVersion = 4
    let connection: ScriptedConnection | undefined
    const send = (packet: Packet) => void socket.write(generate(packet, { protocolVersion }))
    t.teardown(() => void socket.destroy())
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => void parse.parse(chunk))
    parse.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        protocolVersion = packet.protocolVersion ?? 4
        connection = { socket, connect: packet, send }
        connections.push(connection)
        const properties = protocolVersion === 5 ? { properties: connack } : {}
        send({ cmd: 'connack', sessionPresent: false, reasonCode: 0, returnCode: 0, ...properties })
      } else if (packet.cmd === 'publish' && connection !== undefined) {
        published.push(packet)
        onPublish(packet, connection)
      } else if (packet.cmd === 'pingreq') send({ cmd: 'pingresp' })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return { port: (server.address() as AddressInfo).port, published, connections }
}

export function puback({ messageId }: IPublishPacket, reasonCode = 0, reasonString?: string): Packet {
  return {
    cmd: 'puback',
    ...(messageId === undefined ? {} : { messageId }),
    reasonCode,
    ...(reasonString === undefined ? {} : { properties: { reasonString } }),
  }
}
