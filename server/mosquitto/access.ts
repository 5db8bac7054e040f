/** The password and ACL files, read as a whole: if one cannot be used, none of them changes anything. */
import { readFileSync } from 'node:fs'
import {
  type Acl,
  AclFile,
  ConfError,
  type ListenerConf,
  PasswordFileError,
  Passwords,
  type UserAccess,
} from '../../mosquitto-compat/index.ts'

export interface AccessOptions {
  /** `AclOptions.strict`. */
  readonly strict: boolean
  /** Of a line that does something else than it seems to. */
  warn(message: string): void
}

/** What holds for each listener, by its name. Files that several name are read once. */
export function readAccess(
  listeners: readonly ListenerConf[],
  { strict, warn }: AccessOptions,
): ReadonlyMap<string, UserAccess> {
  const readAcl = (path: string) => {
    const acl = parsed(path, (text) => AclFile.parse(text, { strict }))
    for (const warning of acl.warnings) warn(`${path}: ${warning}`)
    return acl
  }
  const passwords = new Map<string, Passwords>()
  const acls = new Map<string, Acl>()
  return new Map(
    listeners.map(({ name, identity, security }) => [
      name,
      {
        allowAnonymous: security.allowAnonymous,
        identity,
        passwords: cached(passwords, security.passwordFile, readPasswords),
        acl: cached(acls, security.aclFile, readAcl),
      },
    ]),
  )
}

function cached<T>(known: Map<string, T>, path: string | undefined, read: (path: string) => T): T | undefined {
  if (path === undefined) return undefined
  const before = known.get(path)
  if (before !== undefined) return before
  const now = read(path)
  known.set(path, now)
  return now
}

function readPasswords(path: string): Passwords {
  return parsed(path, (text) => {
    try {
      return new Passwords(text)
    } catch (error) {
      if (!(error instanceof PasswordFileError)) throw error
      const { message, line, isHash } = error
      const what = isHash ? 'Unable to decode line' : 'Invalid line'
      throw new ConfError(`${what} in password file ${path}: ${message}`, { file: path, line }, { cause: error })
    }
  })
}

/** @throws ConfError, with the line where it is one's fault */
function parsed<T>(path: string, parse: (text: string) => T): T {
  try {
    return parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error instanceof ConfError) throw error
    const { message, line } = error as Error & { readonly line?: number }
    throw line === undefined
      ? new ConfError(`${path}: ${message}`, undefined, { cause: error })
      : new ConfError(message, { file: path, line }, { cause: error })
  }
}
