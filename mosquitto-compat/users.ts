/** Users of a Mosquitto password file, who may use every topic that is not a push topic. */
import { readFileSync, statSync } from 'node:fs'
import type { AedesOptions } from '../index.ts'
import { PasswordChecks } from './password-checks.ts'
import { Passwords } from './password-file.ts'

/** Between two looks at whether the file has changed, ms. */
const LOOK_EVERY_MS = 1000
/** CONNACK return code of MQTT 3.1.1, table 3.1, which Mosquitto answers to a wrong password; in MQTT 5 it is 0x87. */
const NOT_AUTHORIZED = 5
const SERVER_UNAVAILABLE = 3

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
 * What `push.aedesOptions` takes. The file may change while the server runs.
 * @throws what reading and parsing the file throw
 */
export function passwordFileUsers({ path, broken, failures, now }: UsersOptions): Pick<AedesOptions, 'authenticate'> {
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
    authenticate(client, username, password, done) {
      look()
      const name = username ?? ''
      const check = {
        username: name,
        address: addressOf(client.conn),
        isWanted: () => !client.closed,
        run: () => passwords.fit(name, password ?? Buffer.alloc(0)),
      }
      checks.take(check).then(
        (verdict) => {
          if (verdict === 'busy') return done(unavailable(), false)
          if (verdict === 'wrong') return done(refusal(), false)
          // A client id never reaches another user's session.
          Object.assign(client, { id: `${encodeURIComponent(name)}/${client.id}` })
          done(null, true)
        },
        (error: unknown) => done(unavailable(error), false),
      )
    },
  }
}

function refusal() {
  return Object.assign(new Error('bad user name or password'), { returnCode: NOT_AUTHORIZED })
}

function unavailable(cause?: unknown) {
  return Object.assign(new Error('the password was not checked', { cause }), { returnCode: SERVER_UNAVAILABLE })
}

function addressOf(stream: object): string {
  const { remoteAddress } = stream as { remoteAddress?: unknown }
  return typeof remoteAddress === 'string' ? remoteAddress : ''
}

/** Another one whenever the file was written or replaced. */
function versionOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path)
  return `${mtimeMs}-${size}-${ino}`
}
