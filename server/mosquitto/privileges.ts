/** Drops root privileges, as Mosquitto does: right after the configuration is read, before anything is opened. */
import { execFileSync } from 'node:child_process'
import { accessSync, chownSync, constants, mkdirSync, readdirSync, readFileSync } from 'node:fs'

/** What it has of its process. */
export interface Privileges {
  geteuid?(): number
  initgroups?(user: string, group: number): void
  setgid?(id: number): void
  setuid?(id: number): void
}

interface Options {
  readonly process: Privileges
  /** Of the file. */
  readonly user: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** It must be usable afterwards. */
  readonly dataDir: string
  say(line: string): void
}

interface Account {
  readonly name: string | undefined
  readonly user: number
  readonly group: number
}

export class PrivilegesError extends Error {
  override readonly name = 'PrivilegesError'
}

const DEFAULT_USER = 'mosquitto'
const NOBODY = 'nobody'

/** @throws PrivilegesError where there is no such user, Error where the data directory is of no use to it */
export function dropPrivileges({ process, user, env, dataDir, say }: Options): void {
  const account = process.geteuid?.() === 0 ? accountOf(user, env, say) : undefined
  if (account !== undefined) {
    give(dataDir, account)
    if (account.name !== undefined) process.initgroups?.(account.name, account.group)
    process.setgid?.(account.group)
    process.setuid?.(account.user)
  }
  try {
    mkdirSync(dataDir, { recursive: true })
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const who = account === undefined ? 'this user' : `the user ${account.name ?? account.user}`
    throw new Error(
      `The data directory ${dataDir} cannot be used by ${who}: give it to them, or name another one with persistence_location or PUSH_DATA_DIR.`,
      { cause: error },
    )
  }
}

/** Undefined: it stays root. */
function accountOf(user: string | undefined, env: Options['env'], say: Options['say']): Account | undefined {
  const { PUID, PGID } = env
  if (PUID !== undefined || PGID !== undefined)
    return { name: undefined, user: idOf('PUID', PUID), group: idOf('PGID', PGID) }
  if (user === 'root') {
    say('Warning: it runs as root, since the configuration file says so.')
    return undefined
  }
  const account = find(user ?? DEFAULT_USER)
  if (account !== undefined) return account
  if (user !== undefined)
    throw new PrivilegesError(`Unable to drop privileges to '${user}' because this user does not exist.`)
  say(`Warning: there is no user '${DEFAULT_USER}'; it runs as '${NOBODY}'. Name another one with 'user'.`)
  const nobody = find(NOBODY)
  if (nobody === undefined) throw new PrivilegesError(`Unable to drop privileges to '${NOBODY}'.`)
  return nobody
}

/** Of Mosquitto's container. */
function idOf(name: string, text = '0'): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new PrivilegesError(`${name} not a valid ID '${text}'.`)
}

function find(name: string): Account | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`))
  const [, , user, group] = line?.split(':') ?? []
  if (user !== undefined && group !== undefined) return { name, user: Number(user), group: Number(group) }
  try {
    // Where accounts come from elsewhere.
    const ask = (what: string) =>
      Number(execFileSync('id', [what, '--', name], { stdio: ['ignore', 'pipe', 'ignore'] }))
    return { name, user: ask('-u'), group: ask('-g') }
  } catch {
    return undefined
  }
}

/** A folder that is new, or that nobody has put anything into. */
function give(dataDir: string, { user, group }: Account): void {
  mkdirSync(dataDir, { recursive: true })
  if (readdirSync(dataDir).length === 0) chownSync(dataDir, user, group)
}
