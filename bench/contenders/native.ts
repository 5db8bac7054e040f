/** Brokers that are programs of their own: Mosquitto, and NATS with its MQTT gateway. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child, freePort } from '../run/processes.ts'
import { untilServing } from '../run/serving.ts'
import { type Contender, PLAIN_BROADCAST, plainIdentities, type Target } from './contender.ts'

/** A program that serves plain topics on this port. */
export async function native(
  folder: string,
  mqttPort: number,
  command: string,
  args: readonly string[],
): Promise<Target> {
  const launch = (): Child => new Child(command, args, { cwd: folder })
  let child = launch()
  await untilServing(mqttPort, {}, () => child)
  return {
    mqttPort,
    broadcastTopic: PLAIN_BROADCAST,
    provider: {},
    user: {},
    serverPids: () => [child.pid],
    identities: async (from, count) => plainIdentities(from, count),
    async restart() {
      await child.stop()
      const at = performance.now()
      child = launch()
      return at
    },
    stop: () => child.stop(),
  }
}

export function mosquitto(name: string, about: string, persistent: boolean): Contender {
  return {
    name,
    about,
    durable: persistent,
    ours: false,
    needs: ['mosquitto'],
    async start(folder, programs) {
      const port = await freePort()
      const data = join(folder, 'mosquitto')
      mkdirSync(data)
      const file = join(folder, 'mosquitto.conf')
      const lines = [
        `listener ${port} 127.0.0.1`,
        'allow_anonymous true',
        // Started by root it would change to a user who may not write here.
        'user root',
        'set_tcp_nodelay true',
        'sys_interval 0',
        // Without this it drops what waits beyond 1,000 messages, and would win by it.
        'max_queued_messages 0',
        `persistence ${persistent}`,
        `persistence_location ${data}/`,
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      return native(folder, port, programs('mosquitto'), ['-c', file])
    },
  }
}

export function nats(name: string, about: string): Contender {
  return {
    name,
    about,
    durable: true,
    ours: false,
    needs: ['nats-server'],
    async start(folder, programs) {
      const [clients, port] = [await freePort(), await freePort()]
      const file = join(folder, 'nats.conf')
      const lines = [
        'server_name: bench',
        `listen: 127.0.0.1:${clients}`,
        `jetstream { store_dir: ${JSON.stringify(join(folder, 'jetstream'))} }`,
        `mqtt { listen: "127.0.0.1:${port}", max_ack_pending: 1024 }`,
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      return native(folder, port, programs('nats-server'), ['-c', file])
    },
  }
}
