/** Users of a Mosquitto password file, who may use every topic that is not a push topic. */
import { readFileSync, statSync } from 'node:fs'
import type { AedesOptions } from '../index.ts'
import { Passwords } from './password-file.ts'

/** Between two looks at whether the file has changed, ms. */
const LOOK_EVERY_MS = 1000
/** CONNACK return code of MQTT 3.1.1, table 3.1: bad user name or password. */
const BAD_USER_NAME_OR_PASSWORD = 4

export interface UsersOptions {
  readonly path: string
  /** A file that was changed and cannot be read: the users of before stay. */
  broken(error: unknown): void
  /** Milliseconds. */
  readonly now: () => number
}

/**
 * What `push.aedesOptions` takes. The file may change while the server runs.
 * @throws what reading and parsing the file throw
 */
export function passwordFileUsers({ path, broken, now }: UsersOptions): Pick<AedesOptions, 'authenticate'> {
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
      passwords.fit(name, password ?? Buffer.alloc(0)).then(
        (fits) => {
          if (!fits) return done(refusal(), false)
          // A client id never reaches another user's session.
          Object.assign(client, { id: `${encodeURIComponent(name)}/${client.id}` })
          done(null, true)
        },
        (error: unknown) => done(Object.assign(new Error('not checked', { cause: error }), { returnCode: 3 }), false),
      )
    },
  }
}

function refusal() {
  return Object.assign(new Error('bad user name or password'), { returnCode: BAD_USER_NAME_OR_PASSWORD })
}

/** Another one whenever the file was written or replaced. */
function versionOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path)
  return `${mtimeMs}-${size}-${ino}`
}
