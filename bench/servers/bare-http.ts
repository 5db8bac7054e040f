/**
 * What Node costs for an answer that goes on, without anything behind it: `node bare-http.js <port>`. Every request is answered
 * with the head of a stream and a first line, and stays open.
 */
import { createServer } from 'node:http'

createServer({ noDelay: true, keepAlive: true }, (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write('retry: 1000\n\n')
}).listen(Number(process.argv[2]), '127.0.0.1', 511, () => {
  process.stdout.write('ready\n')
})
process.once('SIGTERM', () => process.exit(0))
