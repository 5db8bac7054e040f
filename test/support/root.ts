/** Where things are: the tests run as they are compiled, in .build/. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** The compiled product and tests. */
export const BUILD = join(ROOT, '.build')
/** The server, as its command runs it. */
export const MAIN = join(BUILD, 'server', 'main.js')
