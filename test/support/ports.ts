import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const LOWEST = 15_000

/** The first port that the system gives to outgoing connections. */
function ephemeralStart(): number {
  try {
    const low = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0])
    return low > LOWEST + 1_000 ? low : 32_768
  } catch {
    return 32_768
  }
}

/**
 * A port nobody listens on, below those of outgoing connections: a client that keeps dialling a server which was killed
 * could otherwise be given that very port, connect to itself, and keep the server from coming back.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, ephemeralStart())
    const probe = createServer()
    const free = new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!(await free)) continue
    probe.close()
    await once(probe, 'close')
    return port
  }
}
