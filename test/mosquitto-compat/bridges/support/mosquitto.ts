/** Debian's mosquitto, as the broker at the other end. */
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import {
  eventually,
  freePort,
  type Program,
  type Scope,
  startProgram,
  temporaryFolder,
} from '../../../support/index.ts'

export interface Mosquitto {
  readonly mqttPort: number
  readonly folder: string
  readonly program: Program
  /** Ends it with a signal and starts it again with what it has kept. */
  restart(signal?: NodeJS.Signals): Promise<void>
  /** It is away until `start`. */
  stop(signal?: NodeJS.Signals): Promise<void>
  start(): Promise<void>
}

/** With these lines beside those of its listener; it keeps what it has when it is terminated. */
export async function startMosquitto(t: Scope, ...lines: readonly string[]): Promise<Mosquitto> {
  const mqttPort = await freePort()
  const folder = temporaryFolder(t, 'mosquitto')
  const file = join(folder, 'mosquitto.conf')
  const all = [
    `listener ${mqttPort} 127.0.0.1`,
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${folder}/`,
    'user root',
    'log_dest stderr',
    'max_queued_messages 0',
    ...lines,
  ]
  writeFileSync(file, `${all.join('\n')}\n`)
  let program: Program
  async function start(): Promise<void> {
    program = startProgram(t, 'mosquitto', ['-c', file])
    await eventually('mosquitto listens', () => reachable(mqttPort))
  }
  await start()
  return {
    mqttPort,
    folder,
    get program() {
      return program
    },
    async restart(signal) {
      await program.kill(signal)
      await start()
    },
    async stop(signal) {
      await program.kill(signal)
    },
    start,
  }
}

function reachable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
