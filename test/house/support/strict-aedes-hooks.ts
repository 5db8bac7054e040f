/** Puts `strict-aedes.ts` in the place of Aedes: for the loader of a process. */
import type { InitializeHook, LoadHook } from 'node:module'

const REAL = '?real'
let aedes = ''

/** Where it lies. */
export const initialize: InitializeHook<string> = (url) => {
  aedes = url
}

export const load: LoadHook = (url, context, nextLoad) => {
  if (url !== aedes) return nextLoad(url, context)
  const types = new URL('types/instance.d.ts', aedes)
  const source = `
    import { fileURLToPath } from 'node:url'
    import { Aedes as Real } from ${JSON.stringify(aedes + REAL)}
    import { strict } from ${JSON.stringify(new URL('strict-aedes.js', import.meta.url).href)}
    export const Aedes = strict(Real, fileURLToPath(${JSON.stringify(types.href)}))`
  return { format: 'module', source, shortCircuit: true }
}
