/** Users of a Mosquitto password file, who may use every topic that is not a push topic. */
import { readFileSync, statSync } from 'node:fs'
import { PushError, type User, type UserCredentials, type Users } from '../index.ts'
import { PasswordChecks } from './password-checks.ts'
import { Passwords } from './password-file.ts'

/** Between two looks at whether the file has changed, ms. */
const LOOK_EVERY_MS = 1000

export interface UsersOptions {
  readonly path: string
  /** The file has changed and cannot be read: the previous users stay valid. */
  broken(error: unknown): void
  /** Wrong passwords a minute of one user from one address; 0 is without limit. */
  readonly failures: number
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number
}

/**
 * The users of `createPush`. The file may change while the server runs.
 * @throws what reading and parsing the file throw
 */
export function passwordFileUsers({ path, broken, failures, now }: UsersOptions): Users {
  const checks = new PasswordChecks({ failures, now })
  let version = versionOf(path)
  let passwords = new Passwords(readFileSync(path, 'utf8'))
  let lookedAt = now()

  function look(): void {
    if (now() - lookedAt < LOOK_EVERY_MS) return
    lookedAt = now()
    try {
      const present = versionOf(path)
      if (present === version) return
      version = present
      passwords = new Passwords(readFileSync(path, 'utf8'))
    } catch (error) {
      broken(error)
    }
  }

  return {
    find(name: string): User | undefined {
      look()
      return passwords.has(name) ? userOf(name) : undefined
    },
    async authenticate({ username, password, address, signal }: UserCredentials): Promise<User | undefined> {
      look()
      const verdict = await checks.take({
        username,
        address,
        isWanted: () => !signal.aborted,
        run: () => passwords.fit(username, password ?? Buffer.alloc(0)),
      })
      if (verdict === 'busy') throw new PushError('USER_UNCHECKED')
      return verdict === 'right' ? userOf(username) : undefined
    },
  }
}

function userOf(name: string): User {
  return { kind: 'user', name, mayPublish: () => true, maySubscribe: (_filter, qos) => qos }
}

/** Another one whenever the file was written or replaced. */
function versionOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path)
  return `${mtimeMs}-${size}-${ino}`
}
