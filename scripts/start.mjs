/**
 * `npm start`: prepare, then become the server. The server runs in this very process, so that flags, signals and the
 * exit code are its own.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { dist, prepare } from './prepare.mjs'

prepare()
const main = join(dist, 'server', 'main.js')
process.argv[1] = main
await import(pathToFileURL(main).href)
