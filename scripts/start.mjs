/**
 * `npm start`: prepare, then become the server. The server runs in this very process, so that flags, signals and the
 * exit code are its own.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { dist, prepare } from './prepare.mjs'

/** How soon after a signal the same one is its echo, ms. */
const ECHO_MS = 2_000

/**
 * Ctrl-C reaches every process of the terminal, and npm passes it on to us once more. A server that takes a second
 * signal as "stop at once" would then never stop in order, so the echo is dropped.
 */
function dropEchoedSignals(signals) {
  const emit = process.emit
  const lastAt = new Map()
  process.emit = function (event, ...args) {
    if (signals.includes(event)) {
      const now = performance.now()
      const isEcho = now - (lastAt.get(event) ?? -Infinity) < ECHO_MS
      lastAt.set(event, now)
      if (isEcho) return true
    }
    return emit.call(this, event, ...args)
  }
  // An echo may come when the server has stopped and listens no more: without a listener it would kill the process.
  for (const signal of signals) process.on(signal, () => undefined)
}

prepare()
dropEchoedSignals(['SIGINT', 'SIGTERM'])
const main = join(dist, 'main.js')
process.argv[1] = main
await import(pathToFileURL(main).href)
