/**
 * The programs that the tests run beside the server. They are installed when they are missing, this is a Debian machine
 * and we are root; otherwise the reader is told what to install.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const TOOLS = [
  { program: 'redis-server', debian: 'redis-server' },
  { program: 'redis-cli', debian: 'redis-tools' },
  { program: 'mosquitto_sub', debian: 'mosquitto-clients' },
  { program: 'mosquitto_pub', debian: 'mosquitto-clients' },
] as const

/** What single tests do without. */
const WISHED = [{ file: '/usr/include/mosquitto.h', debian: 'libmosquitto-dev' }] as const

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** @throws Error that says what to install */
export function ensureTools(): void {
  ensureNeeded()
  const wished = WISHED.filter(({ file }) => !existsSync(file)).map(({ debian }) => debian)
  if (wished.length === 0 || !canInstall() || install(wished)) return
  console.error(`aedes-push: tests that need ${wished.join(' ')} are skipped`)
}

function canInstall(): boolean {
  return isOnPath('apt-get') && process.getuid?.() === 0
}

function ensureNeeded(): void {
  const missing = TOOLS.filter(({ program }) => !isOnPath(program))
  if (missing.length === 0) return
  const programs = missing.map(({ program }) => program).join(', ')
  const packages = [...new Set(missing.map(({ debian }) => debian))]
  const advice = `the tests need ${programs}; install them first (Debian: apt-get install ${packages.join(' ')})`
  if (!canInstall() || !install(packages)) throw new Error(advice)
}

function install(packages: readonly string[]): boolean {
  console.error(`aedes-push: installing ${packages.join(' ')}`)
  // RUNLEVEL=1 keeps the packages from starting a service: the tests start their own, on ports of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  // An index that cannot be refreshed is no reason to stop when the packages are known already.
  spawnSync('apt-get', ['update', '-q'], { stdio: ['ignore', 2, 2], env })
  const args = ['install', '-y', '-q', '--no-install-recommends', ...packages]
  const { status } = spawnSync('apt-get', args, { stdio: ['ignore', 2, 2], env })
  return status === 0
}
