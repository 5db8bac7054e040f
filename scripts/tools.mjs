/**
 * The programs that the tests run beside the server: a real Redis and Mosquitto's own clients. Installed when they are
 * missing and this is a Debian machine and we are root; otherwise the reader is told what to install.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fail, run } from './prepare.mjs'

const TOOLS = [
  { program: 'redis-server', debian: 'redis-server' },
  { program: 'redis-cli', debian: 'redis-tools' },
  { program: 'mosquitto_sub', debian: 'mosquitto-clients' },
  { program: 'mosquitto_pub', debian: 'mosquitto-clients' },
]

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export function ensureTools() {
  const missing = TOOLS.filter(({ program }) => !isOnPath(program))
  if (missing.length === 0) return
  const programs = missing.map(({ program }) => program).join(', ')
  const packages = [...new Set(missing.map(({ debian }) => debian))]
  if (!isOnPath('apt-get') || process.getuid?.() !== 0) {
    fail(`the tests need ${programs}; install them first (Debian: apt-get install ${packages.join(' ')})`, 2)
  }
  console.error(`aedes-push: installing ${packages.join(' ')}`)
  // RUNLEVEL=1 keeps the packages from starting a service: the tests start their own, on ports of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  // An index that cannot be refreshed is no reason to stop when the packages are known already.
  spawnSync('apt-get', ['update', '-q'], { stdio: ['ignore', 2, 2], env })
  run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env })
}
