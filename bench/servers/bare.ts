/**
 * What Node and the kernel cost without a broker: `node bare.js <port> [synced | level | <URL of Redis>]`. See bare-broker.ts: a
 * floor, not a server. With a place each message is stored there before it goes on.
 */
import { BareBroker } from './bare-broker.ts'
import { openWrite } from './writes.ts'

await new BareBroker(await openWrite(process.argv[3])).listen(Number(process.argv[2]))
process.stdout.write('ready\n')
process.once('SIGTERM', () => process.exit(0))
