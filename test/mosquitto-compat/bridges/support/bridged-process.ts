/** A server with bridges in a process of its own, that can be killed and comes back on its port with what it has stored. */
import { fileURLToPath } from 'node:url'
import type { BridgeOptions } from '../../../../mosquitto-compat/index.ts'
import { freePort, type Program, type Scope, startProgram, temporaryFolder } from '../../../support/index.ts'

export interface BridgedProcess {
  readonly mqttPort: number
  stop(signal?: NodeJS.Signals): Promise<void>
  start(): Promise<void>
}

export async function startBridged(
  t: Scope,
  bridges: readonly BridgeOptions[],
  redisUrl?: string,
): Promise<BridgedProcess> {
  const port = await freePort()
  const dataDir = temporaryFolder(t, 'bridged')
  const script = fileURLToPath(new URL('bridged.js', import.meta.url))
  const push = redisUrl === undefined ? { dataDir } : { dataDir, redisUrl }
  let program: Program
  async function start(): Promise<void> {
    program = startProgram(t, process.execPath, [script, JSON.stringify({ port, bridges, push })], {
      env: { PUSH_LOG_LEVEL: process.env.PUSH_LOG_LEVEL ?? 'silent' },
    })
    await program.stdout.nextWhere((line) => line.startsWith('ready'))
  }
  await start()
  return {
    mqttPort: port,
    start,
    async stop(signal = 'SIGKILL') {
      await program.kill(signal)
      if (process.env.PUSH_LOG_LEVEL !== undefined) process.stderr.write(program.stderr.join('\n'))
    },
  }
}
