/** Files of examples/ that run beside a server, as they stand. */
import { join } from 'node:path'
import type { Test } from 'tap'
import { packageFlags } from '../../plugin/support/package.ts'
import {
  eventually,
  issueToken,
  lookup,
  type Program,
  revoke,
  ROOT,
  type Scope,
  send,
  type ServerProcess,
  startProgram,
  startServerProcess,
  temporaryFolder,
} from '../../support/index.ts'

export const EXAMPLES = join(ROOT, 'examples')

export interface Started {
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
  readonly cwd?: string
}

export function startNode(t: Scope, name: string, { args = [], env = {}, cwd }: Started = {}): Program {
  const all = [...packageFlags(), join(EXAMPLES, name), ...args]
  return startProgram(t, process.execPath, all, { env, cwd: cwd ?? temporaryFolder(t) })
}

export const addressOf = ({ httpPort, mqttPort }: ServerProcess) => ({
  PUSH_URL: `http://127.0.0.1:${httpPort}`,
  MQTT_HOST: '127.0.0.1',
  MQTT_PORT: String(mqttPort),
})

/** A program that prints what it gets. */
export async function receives(t: Test, start: (t: Scope, env: Record<string, string>) => Program): Promise<void> {
  const server = await startServerProcess(t)
  const { token, tokenId, topics } = await issueToken(server, { app: 'chat', device: 'phone-1' })
  const env = { ...addressOf(server), TOKEN: token, TOPIC: topics.private }
  const first = start(t, env)
  await send(server, { token: tokenId }, 'hello')
  t.equal(await first.stdout.next(), 'hello')
  await eventually('its acknowledgement', async () => (await lookup(server, token)).messages.length === 0)

  await first.kill('SIGKILL')
  await send(server, { token: tokenId }, 'while you were away')
  const second = start(t, env)
  t.equal(await second.stdout.next(), 'while you were away')

  await server.kill()
  await server.restart()
  await send(server, { token: tokenId }, 'after a crash')
  await second.stdout.nextWhere((line) => line === 'after a crash')
  await second.kill()

  await revoke(server, tokenId)
  const refused = start(t, env)
  await refused.exited
  t.not(refused.stderr.join(''), '', 'it says that it is refused, and ends')
}
