/**
 * FlashMQ and NanoMQ, set up by their documentation (flashmq.conf(5) of 1.2x; NanoMQ from 0.19 on, HOCON). No distribution of
 * Debian has them, and neither was installed where this was written: look at what they do before you quote a figure.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../run/processes.ts'
import type { Contender } from './contender.ts'
import { native } from './native.ts'

/** Packet ids end there. What waits beyond its limit a server would drop, and win by it. */
const MOST_PENDING = 65_535

export function flashmq(name: string, about: string): Contender {
  return {
    name,
    about,
    // It writes its sessions when it ends.
    durable: true,
    ours: false,
    needs: ['flashmq'],
    async start(folder, programs) {
      const port = await freePort()
      const data = join(folder, 'flashmq')
      mkdirSync(data)
      const file = join(folder, 'flashmq.conf')
      const lines = [
        'listen {',
        '  protocol mqtt',
        `  port ${port}`,
        '  inet_protocol ip4',
        '  inet4_bind_address 127.0.0.1',
        '  tcp_nodelay true',
        '}',
        'allow_anonymous true',
        'log_level warning',
        `storage_dir ${data}`,
        `max_qos_msg_pending_per_client ${MOST_PENDING}`,
        `max_qos_bytes_pending_per_client ${256 * 1024 * 1024}`,
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      return native(folder, port, programs('flashmq'), ['--config-file', file])
    },
  }
}

export function nanomq(name: string, about: string): Contender {
  return {
    name,
    about,
    durable: false,
    ours: false,
    needs: ['nanomq'],
    async start(folder, programs) {
      const port = await freePort()
      const file = join(folder, 'nanomq.conf')
      const lines = [
        `listeners.tcp { bind = "127.0.0.1:${port}" }`,
        `mqtt { max_packet_size = 1MB, max_mqueue_len = ${MOST_PENDING}, retry_interval = 600s }`,
        'auth { allow_anonymous = true, no_match = allow, deny_action = ignore }',
        'log { to = [console], level = error }',
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      return native(folder, port, programs('nanomq'), ['start', '--conf', file])
    },
  }
}
