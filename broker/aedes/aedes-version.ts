/** The only version of aedes that push was tested with; other versions behave differently. */
import { readFileSync } from 'node:fs'

export const AEDES_VERSION = '2.0.0-beta.1'

/** @throws Error in one sentence */
export function checkAedesVersion(installed = installedVersion()): void {
  if (installed !== AEDES_VERSION)
    throw new Error(
      `createPush: it works with aedes ${AEDES_VERSION}, and ${installed} is installed; \`npm install aedes@${AEDES_VERSION}\` puts that right`,
    )
}

/** Its package.json is no export of it, and lies beside what is. */
function installedVersion(): string {
  const { version }: { readonly version?: unknown } = JSON.parse(
    readFileSync(new URL('package.json', import.meta.resolve('aedes')), 'utf8'),
  )
  return String(version)
}
