#!/usr/bin/env node
/** The entry. Signals are heard before anything else is loaded, which takes a while. */
import { Ending } from './ending.ts'

const ending = new Ending(process, () => performance.now())
const { run } = await import('./command.ts')
await run({ argv: process.argv.slice(2), env: process.env, ending, process })
