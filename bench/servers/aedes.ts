/** Aedes as its own documentation sets it up: `node aedes.js <port> [redis url]`. */
import { createServer } from 'node:net'
import { Aedes, type AedesOptions } from 'aedes'
import redisPersistence from 'aedes-persistence-redis'
import { Redis } from 'ioredis'
import { MQEmitterRedisPrefix } from 'mqemitter-redis'

const [port, url] = process.argv.slice(2)

function onRedis(address: string): object {
  const options = { maxRetriesPerRequest: null }
  const [conn, subConn, pubConn] = [1, 2, 3].map(() => new Redis(address, options)) as [Redis, Redis, Redis]
  return {
    persistence: redisPersistence({ conn, cluster: false }),
    mq: new MQEmitterRedisPrefix('mq:', { subConn, pubConn, matchEmptyLevels: true }),
  }
}

const broker = await Aedes.createBroker((url === undefined ? {} : onRedis(url)) as AedesOptions)
createServer({ noDelay: true }, (socket) => void broker.handle(socket)).listen(Number(port), '127.0.0.1', 511, () => {
  process.stdout.write('ready\n')
})
process.once('SIGTERM', () => process.exit(0))
