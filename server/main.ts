#!/usr/bin/env node
/** The entry point. It listens to signals before anything else is loaded, which takes a while. */
import { earlySignal } from './early-signal.ts'
import { Ending } from './ending.ts'

const [word = ''] = process.argv.slice(2)
// Looked at first: from the listener on, Node catches them again.
const early = earlySignal(process.pid)
const ending = new Ending(process, () => performance.now())
// A server that is told to end before it has begun has done all that it should.
if (word === '' || word.startsWith('-') || word === 'bridge' || word === 'mosquitto') ending.abortWith(0)
if (early !== undefined) ending.hear(early)
const { run } = await import('./command.ts')
await run({ argv: process.argv.slice(2), program: process.argv[1], env: process.env, ending, process })
